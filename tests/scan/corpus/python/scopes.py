import json
#      ^^^^ binds import json
import os.path as p, xml.dom
#                 ^ binds import os.path
#                    ^^^ binds import xml
from .shop import price as cost, tax
#                          ^^^^ binds import .shop:price
from ..models import *

LIMIT = 10
# <- binds <int>
TABLE = {"a": cost, **json}
# <- binds {'a': cost@module, **json@module}

print(LIMIT)
# <- calls print@nowhere
later()
# <- calls later@module


def later(first, second=LIMIT, *rest, flag=None, **others):
#   ^^^^^ defines function later exported
#         ^^^^^ binds param later#0
#                ^^^^^^ binds param later#1, LIMIT@module
#                               ^^^^ binds param later#2
    global counter
    counter = 1
    use(early)
    #   ^^^^^ binds <int>, first@later
    early = 3
    missing(early)
    # <- calls missing@nowhere

    def inner():
        nonlocal early
        early = first
        #       ^^^^^ binds param later#0
        return cost(counter)
        #      ^^^^ calls cost@module

    return inner
    #      ^^^^^ binds def later.inner


counter()
# <- calls counter@module


class Cart:
    price = 1
    # <- binds <int>, def Cart.price
    limit = price
    #       ^^^^^ binds <int>, def Cart.price

    def total(self):
        price()
        # <- calls price@nowhere
        tax(self)
        # <- calls tax@module

    def price(self): ...
    #   ^^^^^ binds <int>, def Cart.price

    sizes = [limit for limit in range(price) if tax(limit)]
    #                                 ^^^^^ binds <int>, def Cart.price
    #                                           ^^^ calls tax@module

    class Inner:
        deep = limit()
        #      ^^^^^ calls limit@nowhere


def unpacking(pairs):
    a, (b, *c), d = pairs
    # <- binds pairs@unpacking<0>
    #   ^ binds pairs@unpacking<1><0>
    #       ^ binds [each each(pairs@unpacking<1>)]
    #           ^ binds pairs@unpacking<2>
    *head, tail = pairs
    #      ^^^^ binds pairs@unpacking<-1>
    x, y = y, x = 1, "text"
    # <- binds <int>, 'text'
    for key, value in pairs.items():
        #    ^^^^^ binds each(call pairs@unpacking.items)<1>
        pass
    with open("f") as file, lock() as (left, right):
        #             ^^^^ binds enter(call open@nowhere)
        #                                    ^^^^^ binds enter(call lock@nowhere)<1>
        pass
    if (size := len(pairs)) > 1:
        print(size)
        #     ^^^^ binds call len@nowhere
    [last := item for item in pairs]
    #^^^^ binds item@unpacking
    del a


def caught():
    try:
        work()
    except (KeyError, json.Error) as error:
        #                            ^^^^^ binds caught (KeyError@nowhere, json@module.Error)
        raise error
    except* OSError as group:
        #              ^^^^^ binds caught OSError@nowhere
        raise RuntimeError from group
        #     ^^^^^^^^^^^^ raises RuntimeError@nowhere
    except ValueError, old:
        #              ^^^ binds caught ValueError@nowhere
        raise json.Error
        #          ^^^^^ raises json@module.Error


def matched(command):
    match command:
        case {"user": user, **rest}:
            #         ^^^^ binds command@matched['user']
            pass
        case Point(x=0, y=height) as point:
            #             ^^^^^^ binds (a Point@nowhere).y
            #                        ^^^^^ binds a Point@nowhere
            pass
        case [first, *others]:
            # ^^^^^ binds command@matched<0>
            pass
        case json.NAME | 3:
        #         ^^^^ reads json@module.NAME
            (json.loads)(command)
            #     ^^^^^ calls json@module.loads
        case anything:
            #^^^^^^^^ binds command@matched
            pass


type Pair[T] = tuple[T, Cart]
#    ^^^^ binds alias tuple@nowhere[(T@nowhere, Cart@module)]


def generic[T: Cart](value: T) -> list[T]:
    #                ^^^^^ binds a T@nowhere, param generic#0
    return [value]
