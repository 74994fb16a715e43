from __future__ import annotations

import abc
from functools import cached_property
from typing import Generic, Protocol, TypeVar, overload

T = TypeVar("T")


class Repository(abc.ABC, Generic[T]):
#     ^^^^^^^^^^ defines class Repository abstract exported documented
    """Keeps things."""

    def __init__(self, session: Session, name: "models.Name | None" = None):
    #   ^^^^^^^^ defines method Repository.__init__ constructor
    #            ^^^^ binds self of Repository
    #                  ^^^^^^^ binds a Session@nowhere, param Repository.__init__#1
    #                                    ^^^^ binds a (models@nowhere.Name | <none>), param Repository.__init__#2
        self.session = session
        #    ^^^^^^^ writes self of Repository.session = session@Repository.__init__
        self.names: list[str] = []
        #    ^^^^^ writes self of Repository.names = a list@nowhere[str@nowhere]
        self.count += len(self.names)
        #    ^^^^^ reads self of Repository.count
        #    ^^^^^ writes self of Repository.count
        #                      ^^^^^ reads self of Repository.names
        del self.old
        #        ^^^ deletes self of Repository.old

    @property
    def size(self) -> int:
    #   ^^^^ defines method Repository.size property exported
        return self.session.count()
        #           ^^^^^^^ reads self of Repository.session
        #                   ^^^^^ calls self@Repository.size.session.count

    @size.setter
    def size(self, value): ...
    #   ^^^^ defines method Repository.size[1] setter exported

    @cached_property
    #^^^^^^^^^^^^^^^ decorates Repository.owner with cached_property@module
    def owner(self):
    #   ^^^^^ defines method Repository.owner property exported
        return self

    @staticmethod
    def make(kind):
    #   ^^^^ defines method Repository.make static exported
        #    ^^^^ binds param Repository.make#0
        return Repository[kind]

    @classmethod
    async def load(cls, *, key: int = 3):
    #         ^^^^ defines method Repository.load async classmethod exported
        #          ^^^ binds class of Repository
        #                  ^^^ binds a int@nowhere, param Repository.load#1, <int>
        made = cls(key)
        #      ^^^ calls cls@Repository.load
        return await made.fetch(key=key)
        #                 ^^^^^ awaits made@Repository.load.fetch

    def __new__(cls):
        #       ^^^ binds class of Repository
        return super().__new__(cls)
        #      ^^^^^ calls super@nowhere
        #              ^^^^^^^ calls super of Repository.__new__

    @abc.abstractmethod
    #    ^^^^^^^^^^^^^^ decorates Repository.find with abc@module.abstractmethod
    def find(self): ...
    #   ^^^^ defines method Repository.find abstract exported

    @overload
    def get(self, key: int) -> int: ...
    #   ^^^ defines method Repository.get declaration exported

    def get(self, key):
    #   ^^^ defines method Repository.get[1] exported
        yield key
        yield from self.find()

    def _hidden(self): ...
    #   ^^^^^^^ defines method Repository._hidden protected

    def __secret(self): ...
    #   ^^^^^^^^ defines method Repository.__secret private

    def twisted(self):
        self = other()
        #      ^^^^^ calls other@nowhere
        self.gone = 1
        #    ^^^^ writes self@Repository.twisted.gone = <int>

    def callbacks(self, items):
        items.sort(key=lambda item: item.rank)
        #              ^^^^^^ defines lambda Repository.callbacks.<lambda>
        #                     ^^^^ binds param Repository.callbacks.<lambda>#0
        #                                ^^^^ reads item@Repository.callbacks.<lambda>.rank

        def sorter(entry):
        #   ^^^^^^ defines function Repository.callbacks.sorter
            return self.find(entry)
            #           ^^^^ calls self@Repository.callbacks.find

        return sorter


class Book(Repository["Book"], metaclass=Meta):
    title: str
    # <- binds a str@nowhere
    price: Decimal = field(default=0)
    #                ^^^^^ calls field@nowhere by Book


class Readable(Protocol):
#     ^^^^^^^^ defines class Readable interface exported
    def read(self) -> bytes: ...


class Box[K, V](Generic[T]):
#     ^^^ defines class Box exported
    def put(self, key: K) -> V: ...


@register("books", lazy=make())
#^^^^^^^^ decorates shelf with register@nowhere
#                       ^^^^ calls make@nowhere by module
class shelf:
    pass


@app.get("/books/{id}")
#    ^^^ decorates show with app@nowhere.get
def show(id: int, db=Depends(session)):
    #                ^^^^^^^ calls Depends@nowhere by show signature
    if True:
        def nested(): ...
        #   ^^^^^^ defines function show.nested
    else:
        def nested(): ...
        #   ^^^^^^ defines function show.nested[1]
    return nested


handler = lambda request: request
#         ^^^^^^ defines lambda <lambda>
