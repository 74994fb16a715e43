import functools
import threading
from functools import partial, wraps

from tasks import crunch, logged


def outer(flag):
    def inner():
        return flag

    def other():
        return inner()
        #      ^^^^^ calls flow.outer.inner by same_file

    threading.Thread(target=other).start()
    #         ^^^^^^ calls flow.outer.other by callback
    return map(inner, [])
    #      ^^^ calls flow.outer.inner by callback


def namesake():
    return "outer"


class Holder:
    def namesake(self):
        return namesake()
        #      ^^^^^^^^ calls flow.namesake by same_file

    handlers = {"a": namesake}

    def run(self, work):
        bound = self.namesake
        bound()
        again = bound()
        #       ^^^^^ calls flow.Holder.namesake by flow
        work()
        result = work()
        #        ^^^^ calls nothing known
        return sorted(again, key=self.order)
        #      ^^^^^^ calls flow.Holder.order by callback

    def order(self, item):
        return item


def doubled(value, factor):
    return value * factor


twice = partial(doubled, factor=2)
#       ^^^^^^^ calls flow.doubled by callback


@logged
#^^^^^^ calls tasks.logged by import
def use():
    return twice(3)
    #      ^^^^^ calls flow.doubled by flow


@functools.lru_cache(maxsize=None)
#          ^^^^^^^^^ calls outside functools.lru_cache
def cached():
    return crunch.delay(1)
    #             ^^^^^ calls tasks.crunch by callback


def deferred():
    return (lambda value: use())(1)
    #                     ^^^ calls flow.use by same_file
