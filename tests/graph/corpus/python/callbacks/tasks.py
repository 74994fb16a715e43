import functools

from celery import shared_task


def logged(function):
    @functools.wraps(function)
    #          ^^^^^ calls outside functools.wraps
    def wrapper(*args):
        return function(*args)

    return wrapper


def repeated(times):
    def decorate(function):
        return function

    return decorate


@shared_task
def crunch(number):
    return number


@repeated(times=3)
#^^^^^^^^ calls tasks.repeated by same_file
def again():
    return again()
    #      ^^^^^ calls tasks.again
