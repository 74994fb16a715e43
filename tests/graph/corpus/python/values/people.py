from __future__ import annotations

import contextlib
import copy
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Generic, Iterator, Optional, Self, TypeVar, overload

T = TypeVar("T")


class Colour(Enum):
    RED = 1

    def shown(self):
        return self.name.lower()
        #                ^^^^^ calls outside enum.Enum.name.lower


class Address:
    def street(self) -> str:
        return "Street"

    def normalised(self) -> Address:
        return self

    def moved(self) -> "Address":
        return Address()


@dataclass
class Person:
    address: Address
    second: Optional[Address] = None
    others: list[Address] = field(default_factory=list)
    by_name: dict[str, Address] = field(default_factory=dict)
    registry: ClassVar[Registry]

    @property
    def home(self) -> Address:
        return self.address

    def named(self, name: str) -> Self:
        return self

    def visit(self):
        self.address.street()
        #            ^^^^^^ calls people.Address.street by typed
        self.second.street()
        #           ^^^^^^ calls people.Address.street by typed
        self.home.street()
        #         ^^^^^^ calls people.Address.street by typed
        self.named("x").home.moved().normalised().street()
        #                                         ^^^^^^ calls people.Address.street by typed
        #                            ^^^^^^^^^^ calls people.Address.normalised by typed
        #                    ^^^^^ calls people.Address.moved by typed
        for other in self.others:
            other.street()
            #     ^^^^^^ calls people.Address.street by typed
        for key, value in self.by_name.items():
            value.street()
            #     ^^^^^^ calls people.Address.street by typed
        self.by_name["a"].street()
        #                 ^^^^^^ calls people.Address.street by typed
        [each.street() for each in self.others]
        return {each.street() for each in self.others}
        #            ^^^^^^ calls people.Address.street by typed


class Registry:
    def __init__(self, start: Address):
        self.start = start
        self.made = Address()
        self.many = [Address()]

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def __getitem__(self, key) -> Person:
        raise KeyError(key)

    def __iter__(self) -> Iterator[Person]:
        yield self[0]

    def look(self):
        self.start.street()
        #          ^^^^^^ calls people.Address.street by typed
        self.made.street()
        #         ^^^^^^ calls people.Address.street by typed
        self.many[0].street()
        #            ^^^^^^ calls people.Address.street by typed
        self["x"].visit()
        #         ^^^^^ calls people.Person.visit by typed
        for person in self:
            person.visit()
            #      ^^^^^ calls people.Person.visit by typed


class Repo(Generic[T]):
    def get(self) -> T: ...

    def all(self) -> list[T]: ...

    def first(self) -> Optional[T]:
        return self.all()[0]
        #           ^^^ calls people.Repo.all by self


class PersonRepo(Repo[Person]):
    pass


@contextlib.contextmanager
def opened() -> Iterator[Registry]:
    yield Registry(Address())


def make(kind: type[T]) -> T:
    return kind()


def generics(repo: Repo[Address], loose):
    repo.get().street()
    #          ^^^^^^ calls people.Address.street by typed
    PersonRepo().get().visit()
    #                  ^^^^^ calls people.Person.visit by typed
    PersonRepo().all()[0].visit()
    #                     ^^^^^ calls people.Person.visit by typed
    PersonRepo().first().visit()
    #                    ^^^^^ calls people.Person.visit by typed
    make(Registry).look()
    #              ^^^^ calls people.Registry.look by typed
    with opened() as registry:
        registry.look()
        #        ^^^^ calls people.Registry.look by typed
    with Registry(Address()) as other:
        other.look()
        #     ^^^^ calls people.Registry.look by typed
    if isinstance(loose, Address):
        return None
    return Colour.RED.shown()
    #                 ^^^^^ calls people.Colour.shown by typed


def nothing(anything, other: Any):
    anything.get()
    #        ^^^ calls nothing known
    other.close()
    #     ^^^^^ calls nothing known
    (anything or other)()
    return anything.start.execute()
    #                     ^^^^^^^ calls nothing known


def inferred(flag):
    thing = Address() if flag else Person(Address())
    thing.street()
    #     ^^^^^^ calls people.Address.street by typed
    thing.visit()
    #     ^^^^^ calls people.Person.visit by typed
    maker = Address
    maker().moved()
    #       ^^^^^ calls people.Address.moved by typed
    table = {"a": generics, "b": nothing}
    first, second = Address(), Registry(Address())
    second.look()
    #      ^^^^ calls people.Registry.look by typed
    first.street()
    #     ^^^^^^ calls people.Address.street by typed
    if (held := Registry(first)).look():
        held.look()
        #    ^^^^ calls people.Registry.look by typed
    return table["a"](1, 2)


class Copied:
    def twin(self):
        other = copy.copy(self)
        other.size = 1
        return other


class Sheep(Copied):
    def bleat(self):
        pass


current: Sheep = LocalProxy(lambda: Sheep())


def copies():
    Sheep().twin().bleat()
    #              ^^^^^ calls people.Sheep.bleat by typed
    sheep = current._get_current_object()
    sheep.bleat()
    #     ^^^^^ calls people.Sheep.bleat by typed


@overload
def expect(role: int) -> int: ...
@overload
def expect(role: str) -> str: ...
@overload
def expect(role: float) -> float: ...
@overload
def expect(role: bytes) -> bytes: ...
@overload
def expect(role: bool) -> bool: ...
@overload
def expect(role: list) -> list: ...
@overload
def expect(role: dict) -> dict: ...
@overload
def expect(role: set) -> set: ...
@overload
def expect(role: tuple) -> tuple: ...
@overload
def expect(role: complex) -> complex: ...
@overload
def expect(role: object) -> object: ...
@overload
def expect(role: type) -> type: ...
@overload
def expect(role: frozenset) -> frozenset: ...
@overload
def expect(role: range) -> range: ...
def expect(role):
    return role


def overloads():
    expect(1)
#   ^^^^^^ calls people.expect by same_file
