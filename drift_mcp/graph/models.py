"""Which classes and schema declarations are tables, and which columns they have. Pure: facts in, models out."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from drift_mcp.graph import libraries
from drift_mcp.graph.evaluate import Evaluator, Module
from drift_mcp.graph.values import CLASS, DICT, EXTERNAL, FOREIGN, Value
from drift_mcp.graph.words import words
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import Definition, Expr


class Field(NamedTuple):
    name: str  # as the code calls it
    column: str  # as the database calls it
    type: str  # as written, '' when unknown
    line: int


class Model(NamedTuple):
    """One table as code or a schema file declares it."""

    name: str
    table: str
    path: str
    line: int
    definition: int  # of its class; -1 when no class declares it
    framework: str
    confidence: float
    fields: tuple[Field, ...]

    def column(self, name: str) -> str | None:
        """The column behind a field name; None when the model has no such field."""
        for field in self.fields:
            if field.name == name:
                return field.column
        return None


# What the external user classes of Django bring along; anything that inherits from them has these columns.
_INHERITED: Final = {
    "AbstractBaseUser": ("password", "last_login"),
    "AbstractUser": (
        "password",
        "last_login",
        "is_superuser",
        "username",
        "first_name",
        "last_name",
        "email",
        "is_staff",
        "is_active",
        "date_joined",
    ),
    "PermissionsMixin": ("is_superuser",),
}
_COLUMN_CALLS: Final = words("Column mapped_column Field column_property deferred synonym")
_RELATION_CALLS: Final = words("relationship Relationship relation backref association_proxy hybrid_property")
_TYPEORM_COLUMNS: Final = words(
    "Column PrimaryColumn PrimaryGeneratedColumn CreateDateColumn UpdateDateColumn DeleteDateColumn VersionColumn "
    "ObjectIdColumn Generated ViewColumn Prop"
)
_TYPEORM_RELATIONS: Final = words("ManyToOne OneToOne")


class Models:
    """The tables of a project. Asks the evaluator about classes and remembers. Not for two threads at once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._of_class: dict[tuple[str, int], Model | None] = {}
        self._of_site: dict[tuple[str, int], Model | None] = {}

    def declared_in(self, path: str) -> list[Model]:
        """Every model that this file declares: classes, `define`/`model` calls and schema declarations."""
        module = self._evaluator.module(path)
        if module is None:
            return []
        found: list[Model] = []
        for number, definition in enumerate(module.facts.definitions):
            if definition.kind == "class":
                model = self.of_class(path, number)
                if model is not None:
                    found.append(model)
        for number, call in enumerate(module.facts.calls):
            if call.name in ("define", "model", "init", "pgTable", "mysqlTable", "sqliteTable", "Table"):
                model = self.of_site(path, number)
                if model is not None:
                    found.append(model)
        for declared in module.facts.schema_models:
            fields = tuple(Field(each.name, each.column, each.type, each.line) for each in declared.fields)
            found.append(Model(declared.name, declared.table, path, declared.line, -1, declared.framework, 1.0, fields))
        return found

    def of_value(self, value: Value) -> Model | None:
        """The model that a value is about: a class, a row of it, a query over it, or the result of a `define` call."""
        kind = value[0]
        if kind in ("class", "object", "query"):
            return self.of_class(value[1], value[2])
        if (
            kind == FOREIGN
            and value[2] is not None
            and value[1].rsplit(".", 1)[-1] in ("define", "model", "Table", "pgTable", "Document")
        ):
            return self.of_site(value[2][0], value[2][1])
        return None

    # -- classes

    def of_class(self, path: str, number: int) -> Model | None:
        """The model that this class is; None when its rows are no table's."""
        key = (path, number)
        if key not in self._of_class:
            self._of_class[key] = None  # a class that asks for itself is no model yet
            self._of_class[key] = self._read_class(path, number)
        return self._of_class[key]

    def _read_class(self, path: str, number: int) -> Model | None:
        module = self._evaluator.module(path)
        if module is None:
            return None
        definition = module.facts.definitions[number]
        if definition.kind != "class" or definition.flags & F.INTERFACE:
            return None
        if not module.python:
            return self._decorated(module, number, definition)
        if not libraries.is_model(path, number, self._evaluator):
            return None
        if self._is_django(path, number):
            return self._django(module, number, definition)
        return self._alchemy(module, number, definition)

    def _is_django(self, path: str, number: int) -> bool:
        return any(base.startswith("django.") for base in self._evaluator.external_bases(path, number)) or any(
            module.path.endswith("django/db/models/base.py") for module, _, _ in self._evaluator.bases(path, number)
        )

    # -- SQLAlchemy, SQLModel and their kin

    def _alchemy(self, module: Module, number: int, definition: Definition) -> Model | None:
        bindings = module.facts.scopes[definition.scope].bindings
        if any(bound[0] == F.LITERAL and bound[1] == "bool" for bound in bindings.get("__abstract__", ())):
            return None
        bases = self._evaluator.external_bases(module.path, number)
        sqlmodel = any(base.startswith("sqlmodel.") for base in bases)
        if sqlmodel and not any(name == "table" for name, _ in definition.keywords):
            return None
        if not sqlmodel and self._is_declarative_base(module, definition):
            return None
        framework = "sqlmodel" if sqlmodel else "tortoise" if any("tortoise" in b for b in bases) else "sqlalchemy"
        if any(base.startswith("peewee.") for base in bases):
            framework = "peewee"
        fields = self._alchemy_fields(module, number, sqlmodel)
        table, confidence = self._table_name(module, number, definition, sqlmodel)
        if table is None or not fields:
            return None
        return Model(definition.name, table, module.path, definition.line, number, framework, confidence, fields)

    def _is_declarative_base(self, module: Module, definition: Definition) -> bool:
        """The class that makes the base itself: it inherits from the library directly and maps no column."""
        for base in definition.bases:
            for value in self._evaluator.values(module, base):
                if value[0] == EXTERNAL and value[1].rsplit(".", 1)[-1].startswith("DeclarativeBase"):
                    return True
        return False

    def _table_name(
        self, module: Module, number: int, definition: Definition, sqlmodel: bool
    ) -> tuple[str | None, float]:
        for base, at, _ in self._evaluator.bases(module.path, number):
            scope = base.facts.scopes[base.facts.definitions[at].scope]
            for bound in scope.bindings.get("__tablename__", ()):
                if bound[0] == F.TEXT:
                    # Inherited: single-table inheritance keeps its rows in the parent's table.
                    return (bound[1], 1.0 if base is module and at == number else 0.9)
                if bound[0] == F.DEFINITION:
                    # A rule makes the name from the class's: snake case unless the rule only lowers it.
                    lowered = self._lowers(base, bound[1])
                    return (definition.name.lower() if lowered else snake_case(definition.name), 0.8)
            for bound in scope.bindings.get("__table__", ()):
                if bound[0] == F.CALL:
                    call = base.facts.calls[bound[1]]
                    if call.arguments and call.arguments[0][0] == F.TEXT:
                        return (call.arguments[0][1], 1.0)
        if sqlmodel:
            return (definition.name.lower(), 1.0)
        if any("flask_sqlalchemy" in base for base in self._evaluator.external_bases(module.path, number)):
            return (snake_case(definition.name), 0.9)
        if any(
            base.startswith(("tortoise.", "peewee.")) for base in self._evaluator.external_bases(module.path, number)
        ):
            return (definition.name.lower(), 0.9)
        return (None, 0.0)

    def _lowers(self, module: Module, number: int) -> bool:
        for returned in module.facts.definitions[number].returned:
            if returned[0] == F.CALL and module.facts.calls[returned[1]].name == "lower":
                return True
        return False

    def _alchemy_fields(self, module: Module, number: int, sqlmodel: bool) -> tuple[Field, ...]:
        found: dict[str, Field] = {}
        for base, at, _ in reversed(self._evaluator.bases(module.path, number)):
            definition = base.facts.definitions[at]
            if definition.kind != "class":
                continue
            for name, bindings in base.facts.scopes[definition.scope].bindings.items():
                field = self._alchemy_field(base, definition, name, bindings, sqlmodel)
                if field is not None:
                    found[name] = field
        return tuple(found.values())

    def _alchemy_field(
        self, module: Module, definition: Definition, name: str, bindings: tuple[Expr, ...], sqlmodel: bool
    ) -> Field | None:
        if name.startswith("__") or not bindings or bindings[0][0] == F.DEFINITION:
            return None
        declared = bindings[0] if bindings[0][0] == F.INSTANCE else None
        value = bindings[-1] if bindings[-1][0] != F.INSTANCE else None
        if value is not None and value[0] == F.CALL:
            call = module.facts.calls[value[1]]
            if call.name in _RELATION_CALLS:
                return None
            if call.name in _COLUMN_CALLS or call.name.endswith("Field"):
                column = name
                if call.arguments and call.arguments[0][0] == F.TEXT:
                    column = call.arguments[0][1]
                for keyword, given in call.keywords:
                    if (
                        keyword in ("name", "sa_column_name", "db_column", "column_name", "source_field")
                        and given[0] == F.TEXT
                    ):
                        column = given[1]
                kind = next((_called_name(module, each) for each in call.arguments if each[0] != F.TEXT), "")
                if not kind and declared is not None:
                    kind = _type_name(declared[1])
                return Field(name, column, kind or ("" if not call.name.endswith("Field") else call.name), call.line)
            if not sqlmodel and declared is None:
                return None
        if declared is None:
            return None
        shown = _type_name(declared[1])
        if shown in ("ClassVar", "relationship", "DynamicMapped", "WriteOnlyMapped", "AssociationProxy"):
            return None
        if not sqlmodel and shown != "Mapped":
            return None
        if any(
            each[0] in ("object", "many") and self._holds_model(each)
            for each in self._evaluator.instances(module, declared[1])
        ):
            return None
        return Field(name, name, _inner_name(declared[1]) if shown == "Mapped" else shown, definition.line)

    def _holds_model(self, value: Value) -> bool:
        if value[0] == "many":
            return any(self._holds_model(each) for each in value[1])
        return value[0] == "object" and libraries.is_model(value[1], value[2], self._evaluator)

    # -- Django

    def _django(self, module: Module, number: int, definition: Definition) -> Model | None:
        if module.path.endswith("django/db/models/base.py"):
            return None
        meta = self._meta(module, definition)
        if any(bound[0] == F.LITERAL and bound[1] == "bool" for bound in meta.get("abstract", ())) and not meta.get(
            "db_table"
        ):
            return None
        fields = self._django_fields(module, number)
        if any(bound[0] == F.LITERAL and bound[1] == "bool" for bound in meta.get("proxy", ())):
            for base, at, _ in self._evaluator.bases(module.path, number)[1:]:
                parent = self.of_class(base.path, at)
                if parent is not None:
                    return parent._replace(
                        name=definition.name, path=module.path, line=definition.line, definition=number
                    )
        label = next((bound[1] for bound in meta.get("app_label", ()) if bound[0] == F.TEXT), None) or _app_label(
            module.path
        )
        table = next((bound[1] for bound in meta.get("db_table", ()) if bound[0] == F.TEXT), None)
        confidence = 1.0
        if table is None:
            table, confidence = f"{label}_{definition.name.lower()}", 0.9
        return Model(definition.name, table, module.path, definition.line, number, "django", confidence, fields)

    def _meta(self, module: Module, definition: Definition) -> dict[str, tuple[Expr, ...]]:
        for bound in module.facts.scopes[definition.scope].bindings.get("Meta", ()):
            if bound[0] == F.DEFINITION:
                return module.facts.scopes[module.facts.definitions[bound[1]].scope].bindings
        return {}

    def _django_fields(self, module: Module, number: int) -> tuple[Field, ...]:
        found: dict[str, Field] = {"id": Field("id", "id", "AutoField", module.facts.definitions[number].line)}
        for base in self._evaluator.external_bases(module.path, number):
            for name in _INHERITED.get(base.rsplit(".", 1)[-1], ()):
                found[name] = Field(name, name, "", module.facts.definitions[number].line)
        for base_module, at, _ in reversed(self._evaluator.bases(module.path, number)):
            definition = base_module.facts.definitions[at]
            if definition.kind != "class":
                continue
            for name, bindings in base_module.facts.scopes[definition.scope].bindings.items():
                for bound in bindings:
                    if bound[0] != F.CALL:
                        continue
                    call = base_module.facts.calls[bound[1]]
                    if not self._is_django_field(base_module, call):
                        continue
                    column = name + "_id" if call.name in ("ForeignKey", "OneToOneField") else name
                    for keyword, value in call.keywords:
                        if keyword == "db_column" and value[0] == F.TEXT:
                            column = value[1]
                        if keyword == "primary_key":
                            found.pop("id", None)
                    if call.name != "ManyToManyField":
                        found[name] = Field(name, column, call.name, call.line)
        return tuple(found.values())

    def _is_django_field(self, module: Module, call: F.Call) -> bool:
        if call.name in ("ForeignKey", "OneToOneField", "ManyToManyField"):
            return True
        if not call.name.endswith("Field"):
            return False
        for value in self._evaluator.values(module, call.callee):
            if value[0] == EXTERNAL:
                return True
            if value[0] == CLASS:
                return any(
                    base.startswith("django.") for base in self._evaluator.external_bases(value[1], value[2])
                ) or value[1].startswith(("django/db/", "django/contrib/"))
        return True

    # -- decorated classes and define() calls of the JavaScript family

    def _decorated(self, module: Module, number: int, definition: Definition) -> Model | None:
        entity = next((each for each in definition.decorators if _decorator_name(each.text) in _ENTITIES), None)
        if entity is None:
            return self._initialised(module, number, definition)
        framework = {"Table": "sequelize", "Schema": "mongoose"}.get(_decorator_name(entity.text), "typeorm")
        name = snake_case(definition.name)
        confidence = 0.9
        if entity.target[0] == F.CALL:
            given = self._entity_name(module, module.facts.calls[entity.target[1]])
            if given is not None:
                name, confidence = given, 1.0
        else:
            for call in module.facts.calls:
                if call.caller == number and call.flags & F.DECORATOR and call.name == _decorator_name(entity.text):
                    given = self._entity_name(module, call)
                    if given is not None:
                        name, confidence = given, 1.0
        fields: dict[str, Field] = {}
        for base, at, _ in reversed(self._evaluator.bases(module.path, number)):
            for call in base.facts.calls:
                if call.caller == at and call.flags & F.DECORATOR:
                    field = self._decorated_field(base, call)
                    if field is not None:
                        fields[field.name] = field
        if not fields:
            return None
        return Model(
            definition.name, name, module.path, definition.line, number, framework, confidence, tuple(fields.values())
        )

    def _entity_name(self, module: Module, call: F.Call) -> str | None:
        for argument in call.arguments:
            if argument[0] == F.TEXT:
                return str(argument[1])
            for key in ("name", "tableName", "collection"):
                given = _pair(argument, key)
                if given is not None and given[0] == F.TEXT:
                    return str(given[1])
        return None

    def _decorated_field(self, module: Module, call: F.Call) -> Field | None:
        name = next((value[1] for key, value in call.keywords if key == "<field>" and value[0] == F.TEXT), None)
        if name is None:
            return None
        if call.name in _TYPEORM_RELATIONS:
            return Field(name, name + "Id", call.name, call.line)
        if call.name not in _TYPEORM_COLUMNS:
            return None
        column, kind = name, ""
        for argument in call.arguments:
            if argument[0] == F.TEXT:
                kind = argument[1]
            given = _pair(argument, "name")
            if given is not None and given[0] == F.TEXT:
                column = given[1]
            typed = _pair(argument, "type")
            if typed is not None and typed[0] == F.TEXT:
                kind = typed[1]
        return Field(name, column, kind, call.line)

    def _initialised(self, module: Module, number: int, definition: Definition) -> Model | None:
        """Sequelize: `class User extends Model {}` with `User.init({…}, {tableName})` beside it."""
        if not any(base.endswith("equelize.Model") for base in self._evaluator.external_bases(module.path, number)):
            return None
        for call in module.facts.calls:
            if call.name == "init" and call.callee[0] == F.ATTR and call.arguments:
                classes = self._evaluator.values(module, call.callee[1])
                if (CLASS, module.path, number, ()) in classes:
                    fields = self._record_fields(module, call.arguments[0], call.line)
                    table = definition.name
                    options = call.arguments[1] if len(call.arguments) > 1 else None
                    if options is not None:
                        given = _pair(options, "tableName") or _pair(options, "modelName")
                        table = given[1] if given is not None and given[0] == F.TEXT else table
                    return Model(definition.name, table, module.path, definition.line, number, "sequelize", 0.9, fields)
        return None

    def of_site(self, path: str, number: int) -> Model | None:
        """The model that a call defines: `sequelize.define('user', {…})`, `mongoose.model('User', schema)`,
        `pgTable('users', {…})`."""
        key = (path, number)
        if key not in self._of_site:
            self._of_site[key] = None
            self._of_site[key] = self._read_site(path, number)
        return self._of_site[key]

    def _read_site(self, path: str, number: int) -> Model | None:
        module = self._evaluator.module(path)
        if module is None:
            return None
        call = module.facts.calls[number]
        if not call.arguments or call.arguments[0][0] != F.TEXT or len(call.arguments) < 2:
            return None
        name = call.arguments[0][1]
        if module.python:
            return self._core_table(module, call, name)
        if call.name == "define":
            fields = self._record_fields(module, call.arguments[1], call.line)
            table, confidence = name + "s", 0.7  # Sequelize's default plural; a simple one
            if len(call.arguments) > 2:
                given = _pair(call.arguments[2], "tableName")
                if given is not None and given[0] == F.TEXT:
                    table, confidence = given[1], 1.0
                elif _pair(call.arguments[2], "freezeTableName") is not None:
                    table, confidence = name, 1.0
            return Model(name, table, path, call.line, -1, "sequelize", confidence, fields) if fields else None
        if call.name == "model":
            fields = self._schema_fields(module, call.arguments[1], call.line)
            table = name.lower() + "s"
            if len(call.arguments) > 2 and call.arguments[2][0] == F.TEXT:
                table = call.arguments[2][1]
            return Model(name, table, path, call.line, -1, "mongoose", 0.8, fields) if fields else None
        if call.name in ("pgTable", "mysqlTable", "sqliteTable"):
            fields = self._record_fields(module, call.arguments[1], call.line)
            return Model(name, name, path, call.line, -1, "drizzle", 1.0, fields) if fields else None
        return None

    def _core_table(self, module: Module, call: F.Call, name: str) -> Model | None:
        """SQLAlchemy Core: `Table("users", metadata, Column("id", …), …)`."""
        if call.name != "Table":
            return None
        fields: list[Field] = []
        for argument in call.arguments[1:]:
            if argument[0] != F.CALL:
                continue
            inner = module.facts.calls[argument[1]]
            if inner.name in ("Column", "column") and inner.arguments and inner.arguments[0][0] == F.TEXT:
                kind = next((_called_name(module, each) for each in inner.arguments[1:]), "")
                fields.append(Field(inner.arguments[0][1], inner.arguments[0][1], kind, inner.line))
        return Model(name, name, module.path, call.line, -1, "sqlalchemy", 1.0, tuple(fields)) if fields else None

    def _schema_fields(self, module: Module, expression: Expr, line: int) -> tuple[Field, ...]:
        for value in self._evaluator.values(module, expression):
            if (
                value[0] == FOREIGN
                and value[2] is not None
                and value[1].rsplit(".", 1)[-1] in ("Schema", "createForClass")
            ):
                owner = self._evaluator.module(value[2][0])
                if owner is None:
                    continue
                made = owner.facts.calls[value[2][1]]
                if made.arguments:
                    fields = self._record_fields(owner, made.arguments[0], made.line)
                    if fields:
                        return fields
            if value[0] == DICT:
                return self._record_fields(module, expression, line)
        return ()

    def _record_fields(self, module: Module, expression: Expr, line: int) -> tuple[Field, ...]:
        for value in self._evaluator.values(module, expression):
            if value[0] != DICT:
                continue
            owner = self._evaluator.module(value[1])
            fields: list[Field] = []
            for key, given in value[2][2]:
                if key is None or key[0] != F.TEXT:
                    continue
                column = key[1]
                named = _pair(given, "field") or _pair(given, "columnName")
                if named is not None and named[0] == F.TEXT:
                    column = named[1]
                if given[0] == F.CALL and owner is not None:
                    inner = owner.facts.calls[given[1]]
                    if inner.arguments and inner.arguments[0][0] == F.TEXT:
                        column = inner.arguments[0][1]
                fields.append(Field(key[1], column, "", line))
            return tuple(fields)
        return ()


_ENTITIES: Final = words("Entity ViewEntity ChildEntity Table Schema")


def _decorator_name(text: str) -> str:
    return text.lstrip("@").split("(", 1)[0].rsplit(".", 1)[-1].strip()


def _pair(expression: Expr, key: str) -> Expr | None:
    """The value under a constant key of an object literal."""
    if expression[0] == F.RECORD:
        for name, value in expression[2]:
            if name is not None and name[0] == F.TEXT and name[1] == key:
                given: Expr = value
                return given
    return None


def _called_name(module: Module, expression: Expr) -> str:
    if expression[0] == F.CALL:
        return module.facts.calls[expression[1]].name
    if expression[0] in (F.NAME, F.ATTR):
        return str(expression[2])
    return str(expression[1]) if expression[0] == F.FREE else ""


def _type_name(expression: Expr) -> str:
    kind = expression[0]
    if kind in (F.NAME, F.ATTR):
        return str(expression[2])
    if kind == F.FREE:
        return str(expression[1])
    if kind == F.ITEM:
        outer = _type_name(expression[1])
        return _inner_name(expression) if outer == "Optional" else outer
    if kind == F.UNION:
        return next((name for name in map(_type_name, expression[1]) if name), "")
    return ""


def _inner_name(expression: Expr) -> str:
    if expression[0] == F.ITEM and expression[2] is not None:
        key = expression[2]
        parts: Iterable[Expr] = key[2] if key[0] == F.SEQUENCE else (key,)
        return next((name for name in map(_type_name, parts) if name), "")
    return _type_name(expression)


def _app_label(path: str) -> str:
    """Django's default: the folder of the application, which holds models.py or the models package."""
    folder = posixpath.dirname(path)
    while folder and posixpath.basename(folder) in ("models", "migrations"):
        folder = posixpath.dirname(folder)
    if "/models/" in path:
        folder = path.split("/models/", 1)[0]
    return posixpath.basename(folder) or "app"


def snake_case(name: str) -> str:
    """'HTTPRequestLog' → 'http_request_log', as the frameworks' naming rules do it."""
    first = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", first).lower()
