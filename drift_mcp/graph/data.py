"""Which code reads, writes or deletes which tables and fields. Pure: facts and models in, accesses out.

An access is claimed only where the code names it: a query over a known model, an attribute of a row, a keyword of a
model's constructor, a column in SQL. A query that loads whole rows is one access without a field, marked `whole_row`:
it does read every column, but nobody wrote the column's name there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from drift_mcp.graph import libraries, sql
from drift_mcp.graph.evaluate import Evaluator, Module
from drift_mcp.graph.models import Model, Models
from drift_mcp.graph.values import (
    CLASS,
    DICT,
    FOREIGN,
    FUNCTION,
    LIST,
    MANY,
    METHOD,
    OBJECT,
    QUERY,
    ROWS,
    STRING,
    Value,
)
from drift_mcp.graph.words import words
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import Call, Expr

# What accesses of a file can depend on besides its imports: which classes inherit from an abstract model, and which
# tables with which columns the project has.
HEIRS: Final = "heirs of models"
TABLES: Final = "tables"


class Access(NamedTuple):
    """One place that touches one table."""

    definition: int  # in the file; 0 for module level
    line: int
    column: int
    table: str
    operation: str  # 'read', 'write', 'delete'
    fields: tuple[str, ...]  # column names that the code names; () when it touches the row as a whole
    whole_row: bool
    raw_sql: bool
    framework: str
    confidence: float
    context: str  # what is called or touched there, in a word or two


_WRITES: Final = words(
    "create bulk_create acreate abulk_create update aupdate bulk_update abulk_update update_or_create "
    "aupdate_or_create get_or_create aget_or_create insert values upsert add set save asave increment decrement "
    "on_conflict_do_update on_conflict_do_nothing insertMany insertOne updateOne updateMany replaceOne "
    "findOneAndUpdate findByIdAndUpdate findOneAndReplace findOrCreate bulkCreate bulkWrite createMany "
    "createManyAndReturn updateManyAndReturn upsert softDelete restore touch toggle preload"
)
_DELETES: Final = words(
    "delete adelete remove destroy drop truncate clear deleteOne deleteMany findOneAndDelete findByIdAndDelete "
    "findOneAndRemove findByIdAndRemove softRemove"
)
# Ends of a query that load no row.
_COUNTS: Final = words(
    "count exists acount aexists aggregate countDocuments estimatedDocumentCount getCount countBy existsBy exist"
)
_NARROWS: Final = words("values values_list only with_entities load_only select pluck attributes defer")
_LOOKUPS: Final = words(
    "filter exclude get aget get_or_create update_or_create filter_by get_object_or_404 create update"
)
# Django's field look-ups: the words behind a double underscore that are not relations.
_LOOKUP_WORDS: Final = words(
    "exact iexact contains icontains in gt gte lt lte startswith istartswith endswith iendswith range date year month "
    "day week hour minute second isnull regex iregex pk id search trigram_similar overlap contained_by has_key"
)
_PRISMA: Final = {
    "findUnique": "read",
    "findUniqueOrThrow": "read",
    "findFirst": "read",
    "findFirstOrThrow": "read",
    "findMany": "read",
    "count": "read",
    "aggregate": "read",
    "groupBy": "read",
    "create": "write",
    "createMany": "write",
    "createManyAndReturn": "write",
    "update": "write",
    "updateMany": "write",
    "updateManyAndReturn": "write",
    "upsert": "write",
    "delete": "delete",
    "deleteMany": "delete",
}
# What a row of its own does to its table.
_ROW_METHODS: Final = words("save update updateOne replaceOne remove delete deleteOne destroy")
_REPOSITORY: Final = {
    **dict.fromkeys(
        words(
            "find findBy findOne findOneBy findOneOrFail findOneByOrFail findAndCount findAndCountBy findByIds findAll "
            "findById findByPk findAndCountAll query aggregate distinct lean populate scope sum max min average "
            "createQueryBuilder"
        ),
        "read",
    ),
    **dict.fromkeys(words("count countBy exists exist existsBy countDocuments estimatedDocumentCount"), "count"),
    **dict.fromkeys(
        words(
            "save insert update upsert create bulkCreate increment decrement findOneAndUpdate findByIdAndUpdate "
            "updateOne updateMany insertMany replaceOne findOrCreate bulkWrite restore findOneAndReplace build"
        ),
        "write",
    ),
    **dict.fromkeys(
        words(
            "delete remove softDelete softRemove clear destroy deleteOne deleteMany findOneAndDelete findByIdAndDelete "
            "findOneAndRemove findByIdAndRemove truncate"
        ),
        "delete",
    ),
}
_SESSION_WRITES: Final = words(
    "add add_all merge bulk_save_objects bulk_insert_mappings bulk_update_mappings save persist"
)
_SQL_RUNNERS: Final = words(
    "execute executemany executescript exec_driver_sql text query raw rawQuery $queryRaw $executeRaw $queryRawUnsafe "
    "$executeRawUnsafe fetch fetchrow fetchval fetch_one fetch_all fetch_val iterate prepare run all get each sql "
    "literal_column RawSQL read_sql read_sql_query mogrify copy cursor any unsafe execute_sql"
)
_KNEX_VERBS: Final = words(
    "select first insert update del delete where andWhere orWhere whereIn join leftJoin innerJoin returning pluck "
    "count increment decrement truncate orderBy groupBy columns onConflict merge"
)
# Of Django's AbstractBaseUser; its documented effect on the password column.
_PASSWORD_METHODS: Final = {
    "set_password": "write",
    "set_unusable_password": "write",
    "check_password": "read",
    "acheck_password": "read",
    "has_usable_password": "read",
}
_QUALIFIED: Final = re.compile(r"\b(\w+)\.(\w+)\b")
_PRISMA_INPUT: Final = re.compile(r"(\w+?)(?:Unchecked)?(WhereUnique|Where|Create|Update|CreateMany|UpdateMany)Input")
_PRISMA_RECEIVER: Final = re.compile(r"(prisma|^db$|client|^tx$|^trx$|database|transaction)", re.IGNORECASE)


class DataReader:
    """Finds data accesses, one file at a time. Not for two threads at once."""

    def __init__(
        self,
        evaluator: Evaluator,
        models: Models,
        declared: Iterable[Model],
        *,
        heirs: Callable[[str, int], Iterable[tuple[str, int]]] = lambda path, number: (),
    ) -> None:
        """`declared`: the models of the whole project, for names that only a schema file binds to a table;
        `heirs(file, definition)`: the classes that inherit from that class, directly or not."""
        self._heirs = heirs
        # Whether an answer since this was last reset depended on who inherits from an abstract model.
        self.asked: set[str] = set()  # HEIRS, TABLES: what the accesses found since it was emptied depend on
        self._evaluator = evaluator
        self._models = models
        declared = tuple(declared)
        self._columns = {model.table: frozenset(field.column for field in model.fields) for model in declared}
        self._by_accessor: dict[str, Model] = {}
        for model in declared:
            if model.framework == "prisma":
                self._by_accessor[model.name[:1].lower() + model.name[1:]] = model
        evaluator.accessors = frozenset(self._by_accessor)
        self._tables = {model.table.lower(): model for model in declared}
        # Attribute names worth evaluating: all others can be no column.
        self._field_names = frozenset(field.name for model in declared for field in model.fields)
        self._has_models = bool(declared)
        self._stored_in: Module | None = None
        self._stored: dict[Expr, list[str]] = {}

    def accesses(self, path: str) -> list[Access]:
        """Every access that stands in this file, in source order."""
        module = self._evaluator.module(path)
        if module is None:
            return []
        found: list[Access] = []
        consumed = _consumed(module)
        for number, call in enumerate(module.facts.calls):
            if call.flags & F.DECORATOR:
                continue
            found.extend(self._raw(module, call))
            if number not in consumed and call.callee[0] in (F.ATTR, F.NAME, F.FREE):
                found.extend(self._chain(module, number))
            if not self._has_models:
                continue
            if self._by_accessor:
                found.extend(self._prisma(module, call))
            if number not in consumed and call.callee[0] in (F.ATTR, F.NAME, F.FREE):
                found.extend(self._typed_input(module, call))
            found.extend(self._constructed(module, call))
            found.extend(self._session(module, call))
            found.extend(self._set_by_keys(module, call))
            found.extend(self._inherited_methods(module, call))
        if self._has_models:
            found.extend(self._attributes(module))
        return _merged(found)

    # -- attributes of rows

    def _attributes(self, module: Module) -> Iterable[Access]:
        for access in module.facts.accesses:
            if access.name not in self._field_names:
                continue
            for value, model in self._row_models(module, access.target):
                column = model.column(access.name)
                if column is None or (access.kind == F.STORE and value[0] == CLASS):
                    continue
                operation = "write" if access.kind == F.STORE else "read"
                yield Access(
                    access.definition,
                    access.line,
                    access.column,
                    model.table,
                    operation,
                    (column,),
                    False,
                    False,
                    model.framework,
                    round(model.confidence * 0.95, 3),
                    f".{access.name}",
                )

    def _inherited_methods(self, module: Module, call: Call) -> Iterable[Access]:
        """Methods that a row has from its library and that touch one field: `user.set_password(…)` of Django."""
        operation = _PASSWORD_METHODS.get(call.name)
        if operation is None or call.callee[0] != F.ATTR:
            return
        if any(callee[0] in (FUNCTION, METHOD) for callee in self._evaluator.values(module, call.callee)):
            return
        for value, model in self._row_models(module, call.callee[1]):
            column = model.column("password")
            if column is None or value[0] != OBJECT:
                continue
            bases = self._evaluator.external_bases(value[1], value[2])
            if any(base.rsplit(".", 1)[-1] in ("AbstractBaseUser", "AbstractUser") for base in bases):
                yield self._access(call, model, operation, (column,), False, f".{call.name}(…)")

    def _row_models(self, module: Module, target: Expr) -> Iterable[tuple[Value, Model]]:
        """What the target may be a row of. A row of an abstract model is one of a table that inherits from it."""
        for value in self._evaluator.values(module, target):
            model = self._row_model(value)
            if model is not None:
                yield value, model
            elif value[0] == OBJECT and libraries.is_model(value[1], value[2], self._evaluator):
                self.asked.add(HEIRS)
                for path, number in self._heirs(value[1], value[2]):
                    heir = self._models.of_class(path, number)
                    if heir is not None:
                        yield value, heir

    def _row_model(self, value: Value) -> Model | None:
        """The model that a value is a row of, or whose class it is."""
        if value[0] in (OBJECT, CLASS):
            return self._models.of_value(value)
        if value[0] == ROWS:
            return self._by_accessor.get(value[1])
        if value[0] == FOREIGN and value[1] == "mongoose.Document":
            return self._models.of_value(value)
        if value[0] == FOREIGN and value[1].startswith(("@prisma/client.", ".prisma/client.")):
            name = value[1].rsplit(".", 1)[-1]
            return self._by_accessor.get(name[:1].lower() + name[1:])
        return None

    # -- constructors and dictionaries of values

    def _constructed(self, module: Module, call: Call) -> Iterable[Access]:
        if call.callee[0] not in (F.NAME, F.FREE, F.ATTR, F.IMPORTED) or not (
            call.name[:1].isupper() or call.flags & F.NEW
        ):
            return
        for value in self._evaluator.values(module, call.callee):
            if value[0] != CLASS:
                continue
            model = self._models.of_class(value[1], value[2])
            if model is None:
                continue
            fields = self._named(model, (name for name, _ in call.keywords))
            fields += tuple(
                column
                for argument in call.arguments
                for column in self._named(model, self._keys(module, argument))
                if column not in fields
            )
            spread = any(name == "" for name, _ in call.keywords)
            yield self._access(call, model, "write", fields, spread or not fields, f"{call.name}(…)")

    def _set_by_keys(self, module: Module, call: Call) -> Iterable[Access]:
        """`user.update({"password": …})`, `User.model_validate(data, update={…})`, `setattr(user, "password", …)`."""
        if call.name == "setattr" and len(call.arguments) > 1 and call.arguments[1][0] == F.TEXT:
            for value in self._evaluator.values(module, call.arguments[0]):
                model = self._models.of_value(value) if value[0] == OBJECT else None
                if model is not None:
                    fields = self._named(model, (call.arguments[1][1],))
                    if fields:
                        yield self._access(call, model, "write", fields, False, "setattr")
            return
        if call.callee[0] != F.ATTR or not (call.arguments or call.keywords):
            return
        given = [
            *call.arguments,
            *(value for name, value in call.keywords if name in ("update", "values", "defaults", "data")),
        ]
        if not any(each[0] in (F.RECORD, F.NAME) for each in given):
            return
        for value in self._evaluator.values(module, call.callee[1]):
            if value[0] not in (OBJECT, CLASS):
                continue
            model = self._models.of_value(value)
            if model is None:
                continue
            fields = tuple(
                dict.fromkeys(column for each in given for column in self._named(model, self._keys(module, each)))
            )
            if fields:
                # Beside `update=` stands an object whose fields are all taken over.
                whole = any(name == "update" for name, _ in call.keywords) and any(
                    each[0] != F.RECORD and not self._keys(module, each) for each in call.arguments
                )
                yield self._access(call, model, "write", fields, whole, f".{call.name}(…)")

    def _keys(self, module: Module, expression: Expr) -> Iterable[str]:
        """The constant keys of a dictionary, through one name; nested values are other objects."""
        if expression[0] == F.RECORD:
            return tuple(key[1] for key, _ in expression[2] if key is not None and key[0] == F.TEXT)
        if expression[0] == F.NAME:
            found = [
                key[1]
                for value in self._evaluator.values(module, expression)
                if value[0] == DICT
                for key, _ in value[2][2]
                if key is not None and key[0] == F.TEXT
            ]
            found.extend(self._stored_keys(module).get(expression, ()))
            return tuple(found)
        return ()

    def _stored_keys(self, module: Module) -> dict[Expr, list[str]]:
        """Name → the constant keys that are stored under it one by one."""
        if self._stored_in is not module:
            self._stored_in = module
            self._stored = {}
            for access in module.facts.accesses:
                if access.kind == F.STORE and access.name.startswith("["):
                    self._stored.setdefault(access.target, []).append(access.name[1:-1])
        return self._stored

    @staticmethod
    def _named(model: Model, names: Iterable[str]) -> tuple[str, ...]:
        found = (model.column(name) for name in names)
        return tuple(dict.fromkeys(column for column in found if column is not None))

    # -- sessions

    def _session(self, module: Module, call: Call) -> Iterable[Access]:
        if call.name not in _SESSION_WRITES and call.name not in ("delete", "remove"):
            return
        if call.callee[0] != F.ATTR or not call.arguments:
            return
        owners = self._evaluator.values(module, call.callee[1])
        if any(owner[0] in (OBJECT, QUERY, MANY, LIST, DICT) and not self._is_session(owner) for owner in owners):
            return
        operation = "delete" if call.name in ("delete", "remove") else "write"
        values = self._evaluator.values(module, call.arguments[0])
        if call.name.endswith("_all") or call.name.startswith("bulk_"):
            values = self._evaluator.elements(values)
        for value in values:
            if value[0] != OBJECT:
                continue
            model = self._models.of_value(value)
            if model is not None:
                yield self._access(call, model, operation, (), True, f".{call.name}({model.name})")

    def _is_session(self, owner: Value) -> bool:
        return owner[0] == OBJECT and any(
            base.rsplit(".", 1)[-1] in ("Session", "AsyncSession", "EntityManager")
            for base in self._evaluator.external_bases(owner[1], owner[2])
        )

    # -- queries

    def _chain(self, module: Module, top: int) -> Iterable[Access]:
        """A query from the call that ends it down to the model it began with."""
        links: list[Call] = []
        number: int | None = top
        root: Expr | None = None
        found: list[Access] | None
        while number is not None:
            call = module.facts.calls[number]
            if call.name in libraries.REPOSITORY_MAKERS and links:  # getRepository(User).find()
                for value in self._evaluator.values(module, (F.CALL, number)):
                    found = self._queried(module, None, value, links[::-1])
                    if found is not None:
                        yield from found
                        return
            links.append(call)
            below = call.callee[1] if call.callee[0] == F.ATTR else None
            while below is not None and below[0] == F.AWAITED:
                below = below[1]
            root = below
            number = below[1] if below is not None and below[0] == F.CALL else None
        links.reverse()  # from the root to the end
        for value in () if root is None else self._evaluator.values(module, root):
            found = self._queried(module, root, value, links)
            if found is not None:
                yield from found
                return
        yield from self._made_here(module, links)

    def _queried(self, module: Module, root: Expr | None, value: Value, links: list[Call]) -> list[Access] | None:
        kind = value[0]
        if kind == QUERY:
            model = self._models.of_value(value)
            return None if model is None else self._query(module, model, links)
        if (
            kind == FOREIGN
            and value[3]
            and value[3][0]
            and value[1].rsplit(".", 1)[-1].endswith(("Repository", "Model", "ModelType"))
        ):
            for row in value[3][0]:
                model = self._models.of_value(row)
                if model is not None:
                    return self._repository(module, model, links)
        if kind == FOREIGN and value[1] == "mongoose.Document" and links[0].name not in _ROW_METHODS:
            return None
        if kind == FOREIGN and value[2] is not None:
            model = self._models.of_value(value)
            if model is not None and links[0].name in _REPOSITORY:
                return self._repository(module, model, links)
        if kind == CLASS:
            model = self._models.of_class(value[1], value[2])
            static = model is not None and model.framework in ("sequelize", "mongoose", "typeorm")
            own = not static or links[0].name not in _REPOSITORY or self._project_method(value, links[0].name)
            if model is not None and not own:
                return self._repository(module, model, links)
        if kind == OBJECT:
            model = self._models.of_value(value)
            if model is not None and not self._project_method(value, links[0].name):
                if links[0].name in ("save", "asave", "insert", "update", "replace", "create"):
                    return [self._access(links[0], model, "write", (), True, f".{links[0].name}()")]
                if links[0].name in ("delete", "adelete", "destroy", "remove"):
                    return [self._access(links[0], model, "delete", (), True, f".{links[0].name}()")]
            found = self._subclass_repository(value)
            if found is not None and not self._project_method(value, links[0].name):
                return self._repository(module, found, links)
        return None

    def _project_method(self, value: Value, name: str) -> bool:
        return any(each[0] in (FUNCTION, METHOD) for each in self._evaluator.attribute((value,), name))

    def _subclass_repository(self, value: Value) -> Model | None:
        """`class UserRepository extends Repository<User>`."""
        module = self._evaluator.module(value[1])
        if module is None:
            return None
        for base in module.facts.definitions[value[2]].bases:
            if base[0] != F.ITEM:
                continue
            for owner in self._evaluator.instances(module, base):
                if owner[0] == FOREIGN and owner[3] and str(owner[1]).endswith("Repository"):
                    for row in owner[3][0]:
                        model = self._models.of_value(row)
                        if model is not None:
                            return model
        return None

    def _made_here(self, module: Module, links: list[Call]) -> Iterable[Access]:
        """Chains that begin with a call over a model: `select(User)…`, `session.query(User)…`, `knex('users')…`."""
        for index, call in enumerate(links):
            if call.name in (
                "query",
                "select",
                "insert",
                "update",
                "delete",
                "get",
                "get_one",
                "exists",
                "refresh",
            ) or call.name.endswith("_or_404"):
                found = self._over_model(module, call, links[index + 1 :])
                if found:
                    yield from found
                    return
            if index == 0 and call.arguments and call.arguments[0][0] == F.TEXT:
                yield from self._knex(module, call, links[1:])
            elif call.name in ("from", "table", "into") and call.arguments and call.arguments[0][0] == F.TEXT:
                yield from self._knex(module, call, [each for each in links if each is not call])

    def _over_model(self, module: Module, call: Call, rest: list[Call]) -> list[Access]:
        found: list[Access] = []
        callees = self._evaluator.values(module, call.callee)
        if any(callee[0] in (FUNCTION, METHOD, CLASS) for callee in callees):
            return []
        names = {each.name for each in rest}
        for argument in call.arguments:
            expression = argument[1] if argument[0] == F.SPREAD else argument
            for value in self._evaluator.values(module, expression):
                if value[0] not in (CLASS, QUERY):
                    continue
                model = self._models.of_value(value)
                if model is None:
                    continue
                if call.name in ("insert", "update"):
                    fields = self._written(module, model, rest)
                    found.append(self._access(call, model, "write", fields, not fields, f"{call.name}({model.name})"))
                elif call.name == "delete" or names & {"delete"}:
                    found.append(self._access(call, model, "delete", (), True, f"{call.name}({model.name})"))
                elif names & {"update"}:
                    fields = self._written(module, model, rest)
                    found.append(self._access(call, model, "write", fields, not fields, f"{call.name}({model.name})"))
                else:
                    whole = not names & (_COUNTS | {"with_entities", "load_only", "values"})
                    fields = self._looked_up(module, model, [call, *rest])
                    found.append(self._access(call, model, "read", fields, whole, f"{call.name}({model.name})"))
            if expression[0] == F.ATTR and not found:
                for value in self._evaluator.values(module, expression[1]):
                    model = self._models.of_class(value[1], value[2]) if value[0] == CLASS else None
                    column = None if model is None else model.column(expression[2])
                    if model is not None and column is not None:
                        found.append(
                            self._access(call, model, "read", (column,), False, f"{call.name}({model.name}.{column})")
                        )
        return found

    def _query(self, module: Module, model: Model, links: list[Call]) -> list[Access]:
        names = [call.name for call in links]
        found: list[Access] = []
        for call in links:
            if (call.name in _WRITES and call.name not in ("values", "set", "add")) or (
                call.name in ("add", "set") and call is links[-1]
            ):
                fields = self._written(module, model, [call])
                found.append(self._access(call, model, "write", fields, not fields, f".{call.name}(…)"))
                if call.name.endswith("get_or_create"):
                    found.append(self._access(call, model, "read", (), True, f".{call.name}(…)"))
            elif call.name in _DELETES and call is links[-1]:
                found.append(self._access(call, model, "delete", (), True, f".{call.name}()"))
        looked_up = self._looked_up(module, model, links)
        ended = bool(found)
        loads = not ended and not set(names) & (_COUNTS | {"values", "values_list", "only", "with_entities", "exists"})
        if looked_up or not ended:
            found.append(self._access(links[0], model, "read", looked_up, loads, f".{links[0].name}(…)"))
        return found

    def _written(self, module: Module, model: Model, links: list[Call]) -> tuple[str, ...]:
        names: list[str] = []
        for call in links:
            if call.name in ("where", "filter", "filter_by", "returning", "order_by"):
                continue
            for name, value in call.keywords:
                if name in ("defaults", "create_defaults"):
                    names.extend(self._keys(module, value))
                names.append(name)
            for argument in call.arguments:
                names.extend(self._keys(module, argument))
                if argument[0] == F.SEQUENCE:  # update_fields=[…], bulk_update(rows, [fields])
                    names.extend(each[1] for each in argument[2] if each[0] == F.TEXT)
        return self._named(model, names)

    def _looked_up(self, module: Module, model: Model, links: list[Call]) -> tuple[str, ...]:
        """Fields that the query names as look-ups or selects by name."""
        names: list[str] = []
        for call in links:
            if call.name in _LOOKUPS and call.name not in ("create", "update"):
                for name, _ in call.keywords:
                    parts = name.split("__")
                    names.append(parts[0])
            if call.name in _NARROWS or call.name in ("order_by", "distinct"):
                names.extend(argument[1].lstrip("-") for argument in call.arguments if argument[0] == F.TEXT)
            if call.name in ("where", "andWhere", "orWhere", "addSelect", "select", "orderBy", "having"):
                for argument in call.arguments:
                    names.extend(self._qualified(argument))
        return self._named(model, names)

    @staticmethod
    def _qualified(expression: Expr) -> list[str]:
        texts = [expression] if expression[0] == F.TEXT else list(expression[1] if expression[0] == F.JOINED else ())
        if expression[0] == F.SEQUENCE:
            texts = list(expression[2])
        return [match.group(2) for part in texts if part[0] == F.TEXT for match in _QUALIFIED.finditer(part[1])]

    # -- repositories and models with static methods

    def _repository(self, module: Module, model: Model, links: list[Call]) -> list[Access]:
        found: list[Access] = []
        call = links[0]
        if call.name in ("createQueryBuilder", "query"):
            return self._query(module, model, links)
        operation = _REPOSITORY.get(call.name)
        if operation is None:
            return []
        if operation == "count":
            fields = self._options(module, model, call)
            return [self._access(call, model, "read", fields, False, f".{call.name}(…)")]
        if operation == "read":
            selected = self._selected(model, call)
            fields = tuple(
                dict.fromkeys((*selected, *self._options(module, model, call), *self._looked_up(module, model, links)))
            )
            found.append(self._access(call, model, "read", fields, not selected, f".{call.name}(…)"))
        elif operation == "write":
            names = [name for argument in call.arguments for name in self._keys(module, argument)]
            fields = self._named(model, names)
            found.append(self._access(call, model, "write", fields, not fields, f".{call.name}(…)"))
        else:
            found.append(self._access(call, model, "delete", (), True, f".{call.name}(…)"))
        return found

    def _options(self, module: Module, model: Model, call: Call) -> tuple[str, ...]:
        names: list[str] = []
        for argument in call.arguments:
            names.extend(self._keys(module, argument))
            for inner in ("where", "order"):
                given = _pair(argument, inner)
                if given is not None:
                    names.extend(self._keys(module, given))
        return self._named(model, names)

    def _selected(self, model: Model, call: Call) -> tuple[str, ...]:
        names: list[str] = []
        for argument in call.arguments:
            for key in ("select", "attributes"):
                given = _pair(argument, key)
                if given is None:
                    continue
                if given[0] == F.SEQUENCE:
                    names.extend(each[1] for each in given[2] if each[0] == F.TEXT)
                elif given[0] == F.RECORD:
                    names.extend(each[1] for each, _ in given[2] if each is not None and each[0] == F.TEXT)
        return self._named(model, names)

    # -- Prisma

    def _prisma(self, module: Module, call: Call) -> Iterable[Access]:
        if call.callee[0] != F.ATTR or call.name not in _PRISMA or call.callee[1][0] != F.ATTR:
            return
        accessor = call.callee[1]
        model = self._by_accessor.get(accessor[2])
        if model is None or not self._is_client(module, accessor[1]):
            return
        operation = _PRISMA[call.name]
        argument = call.arguments[0] if call.arguments else None
        where = (
            ()
            if argument is None
            else self._prisma_fields(module, model, argument, ("where", "orderBy", "by", "distinct", "cursor"))
        )
        selected = () if argument is None else self._prisma_fields(module, model, argument, ("select",))
        context = f"{accessor[2]}.{call.name}"
        if operation == "read":
            whole = not selected and call.name not in ("count", "aggregate", "groupBy")
            yield self._access(call, model, "read", tuple(dict.fromkeys((*selected, *where))), whole, context)
        elif operation == "write":
            written = (
                () if argument is None else self._prisma_fields(module, model, argument, ("data", "create", "update"))
            )
            yield self._access(call, model, "write", written, not written, context)
            if where or selected:
                yield self._access(call, model, "read", tuple(dict.fromkeys((*selected, *where))), False, context)
        else:
            yield self._access(call, model, "delete", (), True, context)
            if where:
                yield self._access(call, model, "read", where, False, context)
        if argument is not None:
            yield from self._included(module, model, argument, call, 0)

    def _typed_input(self, module: Module, call: Call) -> Iterable[Access]:
        """`this.users({ where: { email } })` where the parameter is declared `{ where?: Prisma.UserWhereInput }`: the
        literal names columns."""
        if not any(argument[0] == F.RECORD for argument in call.arguments):
            return
        for callee in self._evaluator.values(module, call.callee):
            owner = self._evaluator.module(callee[1]) if callee[0] in (FUNCTION, METHOD) else None
            if owner is None:
                continue
            parameters = owner.facts.definitions[callee[2]].parameters
            for parameter, argument in zip(parameters, call.arguments, strict=False):
                if argument[0] != F.RECORD or parameter.annotation is None:
                    continue
                declared = parameter.annotation
                pairs = declared[1] if declared[0] == F.SHAPE else ((None, declared),)
                for name, kind in pairs:
                    given = argument if name is None else _pair(argument, name)
                    found = self._input_model(kind)
                    if found is None or given is None:
                        continue
                    model, operation = found
                    names: list[str] = []
                    self._collect(module, given, names, 0)
                    fields = self._named(model, names)
                    if fields:
                        yield self._access(call, model, operation, fields, False, f"{call.name}({name or 'input'})")

    def _input_model(self, kind: Expr) -> tuple[Model, str] | None:
        """Prisma names the type of each input after its model: UserWhereUniqueInput, UserUncheckedUpdateInput."""
        if kind[0] != F.ATTR:
            return None
        match = _PRISMA_INPUT.fullmatch(kind[2])
        if match is None:
            return None
        model = self._by_accessor.get(match.group(1)[:1].lower() + match.group(1)[1:])
        return None if model is None else (model, "read" if match.group(2).startswith("Where") else "write")

    def _included(self, module: Module, model: Model, argument: Expr, call: Call, depth: int) -> Iterable[Access]:
        """Relations loaded along: `include: { account: true }`, and relations inside `select`."""
        if depth > 6:  # deeper nesting than any query builder allows in practice
            return
        for key in ("include", "select"):
            given = self._record(module, _pair(argument, key))
            if given is None:
                continue
            for name, value in given[2]:
                if name is None or name[0] != F.TEXT:
                    continue
                related = self._related(model, name[1])
                if related is None:
                    continue
                selected = self._prisma_fields(module, related, value, ("select",)) if value[0] == F.RECORD else ()
                yield self._access(call, related, "read", selected, not selected, f"{key} {name[1]}")
                yield from self._included(module, related, value, call, depth + 1)

    def _related(self, model: Model, field: str) -> Model | None:
        for each in model.fields:
            if each.name == field:
                name = each.type.rstrip("?[]")
                return self._by_accessor.get(name[:1].lower() + name[1:])
        return None

    def _record(self, module: Module, expression: Expr | None) -> Expr | None:
        if expression is None:
            return None
        if expression[0] == F.RECORD:
            return expression
        for value in self._evaluator.values(module, expression):
            if value[0] == DICT:
                found: Expr = value[2]
                return found
        return None

    def _prisma_fields(self, module: Module, model: Model, argument: Expr, keys: tuple[str, ...]) -> tuple[str, ...]:
        names: list[str] = []
        whole = self._record(module, argument)
        if whole is None:
            return ()
        for key in keys:
            given = _pair(whole, key)
            if given is None:
                continue
            self._collect(module, given, names, 0)
        relations = {field.name for field in model.fields if self._related(model, field.name) is not None}
        return self._named(model, (name for name in names if name not in relations))

    def _collect(self, module: Module, expression: Expr, names: list[str], depth: int) -> None:
        if depth > 3:  # AND/OR/NOT around a condition
            return
        if expression[0] == F.SEQUENCE:
            for element in expression[2]:
                if element[0] == F.TEXT:
                    names.append(element[1])
                else:
                    self._collect(module, element, names, depth + 1)
            return
        record = self._record(module, expression)
        if record is None:
            return
        for name, value in record[2]:
            if name is None:
                self._collect(module, value, names, depth + 1)
            elif name[0] == F.TEXT:
                if name[1] in ("AND", "OR", "NOT", "set"):
                    self._collect(module, value, names, depth + 1)
                elif "_" in name[1] and self._columns.get(name[1]) is None and value[0] == F.RECORD:
                    self._collect(module, value, names, depth + 1)  # a compound key: id_userId
                names.append(name[1])

    def _is_client(self, module: Module, expression: Expr) -> bool:
        for value in self._evaluator.values(module, expression):
            if value[0] == FOREIGN and value[1].rsplit(".", 1)[-1] in ("PrismaClient", "TransactionClient"):
                return True
            if value[0] == OBJECT:
                return any(base.endswith("PrismaClient") for base in self._evaluator.external_bases(value[1], value[2]))
        name = expression[2] if expression[0] in (F.NAME, F.ATTR) else expression[1] if expression[0] == F.FREE else ""
        return isinstance(name, str) and _PRISMA_RECEIVER.search(name) is not None

    # -- query builders by table name

    def _knex(self, module: Module, call: Call, rest: list[Call]) -> Iterable[Access]:
        table = call.arguments[0][1].split(" as ", 1)[0].strip()
        verbs = [each.name for each in rest if each.name in _KNEX_VERBS]
        if not verbs or not re.fullmatch(r"[\w.]+", table) or module.python:
            return
        if call.name not in ("from", "table", "into"):
            owners = self._evaluator.values(module, call.callee)
            known = any(
                libraries.external_name(owner) is not None and "knex" in str(libraries.external_name(owner)).lower()
                for owner in owners
            )
            if not known and call.name.lower() not in ("knex", "trx", "tx"):
                return
        table = table.rsplit(".", 1)[-1]
        written: list[str] = []
        read: list[str] = []
        operation = "read"
        for each in rest:
            if each.name in ("insert", "update", "merge", "increment", "decrement"):
                operation = "write"
                for argument in each.arguments:
                    written.extend(self._keys(module, argument))
                    if argument[0] == F.SEQUENCE:
                        for element in argument[2]:
                            written.extend(self._keys(module, element))
            elif each.name in ("del", "delete", "truncate"):
                operation = "delete"
            elif each.name in _KNEX_VERBS:
                for argument in each.arguments:
                    if argument[0] == F.TEXT and re.fullmatch(r"[\w.]+", argument[1]):
                        read.append(argument[1].rsplit(".", 1)[-1])
                    read.extend(self._keys(module, argument))
        self.asked.add(TABLES)
        known_columns = self._columns.get(table)
        if known_columns is not None:
            read = [name for name in read if name in known_columns]
            written = [name for name in written if name in known_columns]
        fields = tuple(dict.fromkeys(written if operation == "write" else read))
        whole = operation == "delete" or (
            operation == "read"
            and not any(
                each.name in ("select", "pluck", "count", "columns", "first") and each.arguments for each in rest
            )
        )
        yield Access(
            call.caller,
            call.line,
            call.column,
            table,
            operation,
            fields,
            whole or not fields,
            False,
            "knex",
            0.85,
            f"{call.name}('{table}')",
        )

    # -- SQL text

    def _raw(self, module: Module, call: Call) -> Iterable[Access]:
        if not call.arguments:
            return
        first = call.arguments[0]
        runner = call.name in _SQL_RUNNERS
        if first[0] not in (F.TEXT, F.JOINED) and not (runner and first[0] in (F.NAME, F.ATTR)):
            return
        for text in self._texts(module, first):
            if not sql.looks_like_sql(text):
                continue
            self.asked.add(TABLES)
            for touch in sql.touches(text, self._columns):
                # Prose that happens to read like SQL names no table that anything else knows.
                known = touch.table.lower() in self._tables
                if not runner and not known and not _shouts(text):
                    continue
                yield Access(
                    call.caller,
                    call.line,
                    call.column,
                    touch.table,
                    touch.operation,
                    touch.columns,
                    touch.whole_row,
                    True,
                    "sql",
                    0.95 if known else 0.85,
                    f"{call.name}(SQL)",
                )

    def _texts(self, module: Module, expression: Expr) -> list[str]:
        if expression[0] == F.TEXT:
            return [expression[1]]
        if expression[0] == F.JOINED:
            joined = self._joined(module, expression)
            return [] if joined is None else [joined]
        found: list[str] = [value[1] for value in self._evaluator.values(module, expression) if value[0] == STRING]
        if not found and expression[0] == F.NAME:
            for bound in module.facts.scopes[expression[1]].bindings.get(expression[2], ()):
                if bound[0] == F.JOINED:
                    joined = self._joined(module, bound)
                    if joined is not None:
                        found.append(joined)
        return found[:4]  # a name bound to more statements than these is a builder

    def _joined(self, module: Module, expression: Expr) -> str | None:
        pieces: list[str] = []
        for part in expression[1]:
            if part[0] == F.TEXT:
                pieces.append(part[1])
                continue
            known = [value[1] for value in self._evaluator.values(module, part) if value[0] == STRING]
            pieces.append(known[0] if len(known) == 1 else sql.HOLE)
        text = "".join(pieces)
        return text if any(part[0] == F.TEXT for part in expression[1]) else None

    # -- rows

    @staticmethod
    def _access(call: Call, model: Model, operation: str, fields: tuple[str, ...], whole: bool, context: str) -> Access:
        confidence = round(model.confidence * 0.95, 3)
        return Access(
            call.caller,
            call.line,
            call.column,
            model.table,
            operation,
            fields,
            whole,
            False,
            model.framework,
            confidence,
            context,
        )


def _shouts(text: str) -> bool:
    """Keywords in capitals: how people write SQL, and not how they write prose."""
    return re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|REPLACE|TRUNCATE)\b", text) is not None


def _consumed(module: Module) -> frozenset[int]:
    """Calls whose result is only the receiver of another call: the middle of a chain."""
    found: set[int] = set()
    for call in module.facts.calls:
        below = call.callee[1] if call.callee[0] == F.ATTR else None
        while below is not None and below[0] == F.AWAITED:
            below = below[1]
        if below is not None and below[0] == F.CALL:
            found.add(below[1])
    return frozenset(found)


def _pair(expression: Expr, key: str) -> Expr | None:
    if expression[0] == F.RECORD:
        for name, value in expression[2]:
            if name is not None and name[0] == F.TEXT and name[1] == key:
                given: Expr = value
                return given
    return None


def _merged(accesses: list[Access]) -> list[Access]:
    """The same table touched in the same way at the same place is one access with all its fields."""
    found: dict[tuple[int, int, str, str], Access] = {}
    for access in accesses:
        key = (access.definition, access.line, access.table, access.operation)
        earlier = found.get(key)
        if earlier is None:
            found[key] = access
            continue
        fields = tuple(dict.fromkeys((*earlier.fields, *access.fields)))
        found[key] = earlier._replace(
            fields=fields,
            whole_row=earlier.whole_row or access.whole_row,
            confidence=max(earlier.confidence, access.confidence),
            column=min(earlier.column, access.column),
        )
    return list(found.values())
