"""What well-known libraries give back: the few facts about code outside the project that the evaluator needs to go on.

Only public behaviour that changes who is called or which model a row belongs to: query builders, injection, element
callbacks. Whether a call reads or writes data is `graph.data`'s question, and which URL a handler answers is
`graph.entry_points`'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from drift_mcp.graph.values import (
    BOUND_EXTERNAL,
    CLASS,
    EXTERNAL,
    FOREIGN,
    FUNCTION,
    MANY,
    METHOD,
    OBJECT,
    QUERY,
    ROWS,
    Value,
    Values,
)
from drift_mcp.graph.words import words
from drift_mcp.scan import facts as F

if TYPE_CHECKING:  # the evaluator asks the libraries, and they ask it back
    from drift_mcp.graph.evaluate import Evaluator, Module

# Methods of containers and streams that call a function with an element, and at which place of its parameters the
# element arrives.
ELEMENT_CALLBACKS: Final = {
    "forEach": 0,
    "map": 0,
    "filter": 0,
    "find": 0,
    "findIndex": 0,
    "findLast": 0,
    "some": 0,
    "every": 0,
    "flatMap": 0,
    "sort": 0,
    "reduce": 1,
    "reduceRight": 1,
    "subscribe": 0,
    "pipe": 0,
    "tap": 0,
    "then": 0,
}

_INJECTORS: Final = words(
    "fastapi.Depends fastapi.Security fastapi.params.Depends fastapi.param_functions.Depends "
    "fastapi.param_functions.Security fast_depends.Depends taskiq.TaskiqDepends dishka.FromDishka litestar.di.Provide "
    "litestar.Provide faststream.Depends"
)

# Methods that end a query with one row, with many, or with no row at all. Whatever else is called on a query gives a
# query.
_ONE_ROW: Final = words(
    "first one one_or_none get get_or_404 first_or_404 one_or_404 scalar scalar_one scalar_one_or_none earliest latest "
    "last create get_one aget afirst alast acreate aearliest alatest getOne getOneOrFail findOne findOneBy "
    "findOneOrFail findOneByOrFail findByPk findById findOneAndUpdate findByIdAndUpdate findOneAndDelete "
    "findByIdAndDelete save findOrFail"
)
_NO_ROW: Final = words(
    "count exists update delete values values_list aggregate explain bulk_update acount aexists aupdate adelete "
    "getCount getRawMany getRawOne destroy insert remove exec_driver_sql rowcount fetchall fetchone mappings"
)
_PAIR: Final = words(
    "get_or_create update_or_create aget_or_create aupdate_or_create findOrCreate findAndCount getManyAndCount"
)
_MANY_ROWS: Final = words("find findBy findAll findByIds getMany findMany")

_QUERY_MAKERS: Final = words("query select select_from selectinload with_entities Query")
_QUERY_RUNNERS: Final = words("execute exec scalars stream stream_scalars scalar")
_ROW_GETTERS: Final = words("get get_one merge refresh get_object_or_404 aget_object_or_404 get_or_404")
_LIST_GETTERS: Final = words("get_list_or_404")
REPOSITORY_MAKERS: Final = words("getRepository getCustomRepository getTreeRepository getMongoRepository")
_ASKED: Final = _QUERY_MAKERS | _QUERY_RUNNERS | _ROW_GETTERS | _LIST_GETTERS | REPOSITORY_MAKERS

_PRISMA_ROW: Final = words("findUnique findUniqueOrThrow findFirst findFirstOrThrow create update upsert delete")
_PRISMA_ROWS: Final = words("findMany createManyAndReturn updateManyAndReturn")

_RELATIONS_TO_ONE: Final = words("ForeignKey OneToOneField")
_RELATIONS_TO_MANY: Final = words("ManyToManyField")
_RELATIONS: Final = _RELATIONS_TO_ONE | _RELATIONS_TO_MANY | words("relationship Relationship")

# Mongoose: what defines a model, what its rows are called here, and what a query for one row is narrowed with.
_MONGOOSE_SCHEMA: Final = words("mongoose.Schema mongoose.default.Schema")
_MONGOOSE_MODEL: Final = "mongoose.model"
_MONGOOSE_DOCUMENT: Final = "mongoose.Document"
_MONGOOSE_CHAIN: Final = words("populate lean select exec session where orFail sort save")

# What makes a router of the JavaScript family, and which of its methods give the router itself back.
_ROUTERS: Final = words("Router express Express Hono IRouter Application")
_ROUTER_CHAIN: Final = words("use get post put delete patch head options all param")

# Classes outside the project whose subclasses are rows of a table, by the end of their dotted name.
_MODEL_BASES: Final = (
    "django.db.models.Model",
    "django.contrib.auth.models.AbstractUser",
    "django.contrib.auth.models.AbstractBaseUser",
    "sqlalchemy.orm.DeclarativeBase",
    "sqlalchemy.orm.DeclarativeBaseNoMeta",
    "sqlalchemy.orm.declarative_base",
    "sqlalchemy.ext.declarative.declarative_base",
    "sqlmodel.SQLModel",
    "sqlmodel.main.SQLModel",
    "typeorm.BaseEntity",
    "sequelize.Model",
    "sequelize-typescript.Model",
    "tortoise.models.Model",
    "tortoise.Model",
    "peewee.Model",
    "beanie.Document",
    "mongoengine.Document",
)


def injects(name: str) -> bool:
    """Whether the external function is a framework's marker for "pass me the result of this function"."""
    return name in _INJECTORS


def is_model(path: str, number: int, evaluator: Evaluator) -> bool:
    """Whether the class stands for rows of a table."""
    for base in evaluator.external_bases(path, number):
        if base in _MODEL_BASES or (base.endswith((".Model", "declarative_base")) and "sqlalchemy" in base.lower()):
            return True
    for module, at, _ in evaluator.bases(path, number):
        if module.path.endswith("django/db/models/base.py") and module.facts.definitions[at].name == "Model":
            return True
        if any(_entity(decorator.text) for decorator in module.facts.definitions[at].decorators):
            return True
    return False


def _entity(decorator: str) -> bool:
    name = decorator.lstrip("@").split("(", 1)[0]
    return name in ("Entity", "ViewEntity", "ChildEntity", "Table", "Schema")


def class_attribute(owner: Value, name: str, evaluator: Evaluator) -> Values | None:
    """An attribute that a model class has by its framework: `User.objects`, `User.query`. None: nothing is known."""
    if name in ("objects", "query", "_default_manager", "_base_manager") and is_model(owner[1], owner[2], evaluator):
        return ((QUERY, owner[1], owner[2]),)
    if name in ("as_manager", "from_queryset") and owner[0] == CLASS and _is_manager(owner, evaluator):
        return ((BOUND_EXTERNAL, owner, name),)
    return None


def _is_manager(value: Value, evaluator: Evaluator) -> bool:
    """Whether a class, or an instance of it, hands out queries over a Django model."""
    bases = evaluator.external_bases(value[1], value[2])
    return any(base.startswith("django.") and base.endswith(("Manager", "QuerySet")) for base in bases) or any(
        module.path.endswith(("django/db/models/manager.py", "django/db/models/query.py"))
        for module, _, _ in evaluator.bases(value[1], value[2])
    )


def manager_result(receiver: Value, name: str, site: tuple[Module, int] | None, evaluator: Evaluator) -> Values:
    """`PostQuerySet.as_manager()` has the methods of the query set; `PostManager.from_queryset(PostQuerySet)` is a
    class that has those of both."""
    if name == "as_manager":
        return ((OBJECT, *receiver[1:]),)
    if name != "from_queryset" or site is None:
        return ()
    module, number = site
    given = [value for argument in module.facts.calls[number].arguments[:1]
             for value in evaluator.values(module, argument)]  # fmt: skip
    return (receiver, *(value for value in given if value[0] == CLASS))


def query_attribute(owner: Value, name: str, evaluator: Evaluator) -> Values:
    """A method of a query: one that the model's own manager adds, beside what the framework gives."""
    own: list[Value] = []
    for manager in evaluator.attribute(((CLASS, owner[1], owner[2], ()),), "objects"):
        if manager[0] == OBJECT and evaluator.member(manager[1], manager[2], name) is not None:
            own.extend(evaluator.attribute((manager,), name))
    return (*own, (BOUND_EXTERNAL, owner, name))


def foreign_attribute(owner: Value, name: str, evaluator: Evaluator) -> Values | None:
    """An attribute of an external instance when it is more than a method: None leaves it a method."""
    if owner[2] is None and not owner[3]:
        return None
    if owner[2] is not None and not owner[3]:
        known = _mongoose_attribute(owner, name, evaluator)
        if known:
            return known
    if name in ("value", "current", "data") and owner[3]:
        return owner[3][0] or None
    return None


def _mongoose_attribute(owner: Value, name: str, evaluator: Evaluator) -> Values:
    """What a schema of Mongoose gives its models and their documents: `schema.statics.f = …`, `schema.methods.f = …`;
    and `schema.methods` itself, which is what `this` stands for in these functions."""
    module = evaluator.module(owner[2][0])
    if module is None or module.python:
        return ()
    if owner[1] in _MONGOOSE_SCHEMA and name in ("methods", "statics"):
        return tuple(
            (FOREIGN, _MONGOOSE_DOCUMENT if name == "methods" else _MONGOOSE_MODEL, (module.path, number), ())
            for number, call in enumerate(module.facts.calls)
            if call.name == "model" and len(call.arguments) > 1 and owner in evaluator.values(module, call.arguments[1])
        )
    if owner[1] not in (_MONGOOSE_DOCUMENT, _MONGOOSE_MODEL):
        return ()
    call = module.facts.calls[owner[2][1]]
    if len(call.arguments) < 2:
        return ()
    kept_on = (F.ATTR, call.arguments[1], "methods" if owner[1] == _MONGOOSE_DOCUMENT else "statics")
    return evaluator.stored_on(module, kept_on, name)


def made_row(value: Value) -> Value | None:
    """The row that `new User()` makes where a call defined User; None when the value defines no model."""
    if value[0] == FOREIGN and value[1] == _MONGOOSE_MODEL and value[2] is not None:
        return (FOREIGN, _MONGOOSE_DOCUMENT, value[2], ())
    return None


def chained_attribute(owner: Value, name: str, evaluator: Evaluator) -> Values:
    """`receiver.a.b` where `receiver.a` is not known to be anything but a foreign attribute."""
    receiver = owner[1]
    if receiver[0] == FOREIGN and str(receiver[1]).count(".") < 5:
        return ((BOUND_EXTERNAL, (FOREIGN, f"{receiver[1]}.{owner[2]}", receiver[2], ()), name),)
    return ()


def field_value(value: Value, receiver: Value, evaluator: Evaluator) -> Values:
    """What a class-level descriptor gives when it is read: a relation of an instance rows of its model, a manager of a
    model queries over it."""
    if value[0] in (OBJECT, FOREIGN) and receiver[0] == CLASS:
        outside = value[0] == FOREIGN and value[1].startswith("django.") and value[1].endswith("Manager")
        if outside or (value[0] == OBJECT and _is_manager(value, evaluator)):
            query = (QUERY, receiver[1], receiver[2])
            return (value, query) if is_model(receiver[1], receiver[2], evaluator) else (value,)
    if value[0] != FOREIGN or receiver[0] != OBJECT or value[2] is None:
        return (value,)
    last = value[1].rsplit(".", 1)[-1]
    if last not in _RELATIONS:
        return (value,)
    module = evaluator.module(value[2][0])
    if module is None:
        return (value,)
    call = module.facts.calls[value[2][1]]
    target = (
        call.arguments[0] if call.arguments else next((v for k, v in call.keywords if k in ("to", "argument")), None)
    )
    if target is None:
        return (value,)
    classes: list[Value] = []
    if target[0] == F.TEXT:
        if target[1] == "self":
            classes = [(CLASS, receiver[1], receiver[2], ())]
        else:
            classes = list(evaluator.classes_named(module.path, target[1].rsplit(".", 1)[-1]))
    else:
        found = evaluator.values(module, target)
        if any(each[0] == FUNCTION for each in found):  # relationship(lambda: User)
            found = evaluator.results(found, None)
        classes = [each for each in found if each[0] == CLASS]
    if last in _RELATIONS_TO_ONE:
        return tuple((OBJECT, each[1], each[2], ()) for each in classes) or (value,)
    if last in _RELATIONS_TO_MANY:
        return tuple((QUERY, each[1], each[2]) for each in classes) or (value,)
    # A relationship is one row or many as the other side decides; both can be used.
    rows = tuple((OBJECT, each[1], each[2], ()) for each in classes)
    return (*rows, (MANY, rows)) if rows else (value,)


def classes_named_in(facts: F.FileFacts) -> set[str]:
    """Names of classes that relations of this file give as a string, wherever in the project these classes are."""
    found: set[str] = set()
    for call in facts.calls:
        if call.name in _RELATIONS:
            given = [*call.arguments[:1], *(value for name, value in call.keywords if name in ("to", "argument"))]
            found.update(each[1].rsplit(".", 1)[-1] for each in given if each[0] == F.TEXT)
    return found


def result(module: Module, number: int, evaluator: Evaluator) -> Values | None:
    """The result of a call that makes or runs a query over a model, recognised by its name and its model. None: ask
    the callee."""
    call = module.facts.calls[number]
    if evaluator.accessors and call.callee[0] == F.ATTR and call.callee[1][0] == F.ATTR:
        row = (ROWS, call.callee[1][2])
        if row[1] in evaluator.accessors and call.name in _PRISMA_ROW:
            return (row,)
        if row[1] in evaluator.accessors and call.name in _PRISMA_ROWS:
            return ((MANY, (row,)),)
    if call.name not in _ASKED or not call.arguments:
        return None
    callees = evaluator.values(module, call.callee)
    if any(callee[0] in (FUNCTION, METHOD, CLASS) for callee in callees):
        return None
    first = call.arguments[0]
    if call.name in _QUERY_RUNNERS:
        queries = tuple(value for value in evaluator.values(module, first) if value[0] == QUERY)
        if not queries:
            return None
        return tuple((OBJECT, each[1], each[2], ()) for each in queries) if call.name == "scalar" else queries
    models = [value for value in evaluator.values(module, first) if value[0] == CLASS]
    if call.name in _QUERY_MAKERS:
        if first[0] == F.ATTR and not models:  # select(User.id) reads columns of User
            models = [value for value in evaluator.values(module, first[1]) if value[0] == CLASS]
            if not models:
                return None
            return ()
        found = tuple((QUERY, each[1], each[2]) for each in models if is_model(each[1], each[2], evaluator))
        return found or None
    if call.name in REPOSITORY_MAKERS:
        return (
            tuple(
                (FOREIGN, "typeorm.Repository", (module.path, number), (((OBJECT, each[1], each[2], ()),),))
                for each in models
            )
            or None
        )
    if call.name in _LIST_GETTERS:
        return tuple((MANY, ((OBJECT, each[1], each[2], ()),)) for each in models) or None
    rows = tuple((OBJECT, each[1], each[2], ()) for each in models if is_model(each[1], each[2], evaluator))
    if rows:
        return rows
    if call.name in ("merge", "get_object_or_404", "aget_object_or_404"):
        found = evaluator.values(module, first)
        return tuple((OBJECT, v[1], v[2], ()) for v in found if v[0] in (QUERY, OBJECT)) or None
    return None


def foreign_result(receiver: Value, name: str, site: tuple[Module, int] | None, evaluator: Evaluator) -> Values:
    """The result of a method of an external instance."""
    arguments = receiver[3]
    if arguments and arguments[0]:
        rows = arguments[0]
        if receiver[1].endswith(("Repository", "Model", "MongoRepository", "TreeRepository")):
            if name in _ONE_ROW or name in ("preload", "merge", "create", "lean"):
                return tuple(rows)
            if name in _MANY_ROWS:
                return ((MANY, rows),)
            if name in _PAIR:
                return ((MANY, ((MANY, rows),)),)
            if name == "createQueryBuilder":
                return tuple((QUERY, row[1], row[2]) for row in rows if row[0] == OBJECT)
            return ()
        if name in ("get", "pop", "value", "unwrap", "toPromise", "find"):
            return tuple(rows)
    row = made_row(receiver)
    if row is not None:
        if name in _ONE_ROW or name == "findOneAndReplace":
            return (row,)
        if name in _MANY_ROWS or name == "insertMany":
            return ((MANY, (row,)),)
    if receiver[1] == _MONGOOSE_DOCUMENT and name in _MONGOOSE_CHAIN:
        return (receiver,)
    if name in _ROUTER_CHAIN and str(receiver[1]).rsplit(".", 1)[-1] in _ROUTERS:
        return (receiver,)  # Router().use('/api', api).get('/x', f): one router, however many calls make it
    if str(receiver[1]).count(".") >= 5:
        return ()
    place = None if site is None else (site[0].path, site[1])
    return ((FOREIGN, f"{receiver[1]}.{name}", place, ()),)


def query_result(receiver: Value, name: str, site: tuple[Module, int] | None, evaluator: Evaluator) -> Values:
    """The result of a method of a query over a model."""
    if receiver[0] != QUERY:
        return ()
    row = (OBJECT, receiver[1], receiver[2], ())
    if name in _ONE_ROW:
        return (row,)
    if name in _PAIR:
        return ((MANY, (row,)),)
    if name in _NO_ROW:
        return ()
    return (receiver,)


def external_name(value: Value) -> str | None:
    """The dotted name of what a value is outside the project; None when it is inside or unknown."""
    if value[0] == EXTERNAL:
        return str(value[1])
    if value[0] == FOREIGN:
        return str(value[1])
    if value[0] == BOUND_EXTERNAL:
        inner = external_name(value[1])
        if inner is not None:
            return f"{inner}.{value[2]}"
        return {"list": "list", "dict": "dict", "string": "str", "many": "list", "query": "query"}.get(
            value[1][0], "object"
        ) + (f".{value[2]}")
    return None
