"""A small web shop as a scan would have left it: what each tool's answers are checked against.

Filled by hand, so that a test of an answer never depends on what the scanner finds.
"""

from __future__ import annotations

import json
from pathlib import Path

import apsw

SOURCES = {
    "app/models.py": """\
class User(Base):
    __tablename__ = "users"
    id = Column(Integer)
    email = Column(String)
    password_hash = Column(String)
""",
    "app/crud.py": """\
from app.util import hash_password

def create_user(db, email, password):
    user = User(email=email, password_hash=hash_password(password))
    db.add(user)

def get_user(db, email):
    return db.query(User).filter(User.email == email).first()

def set_password(db, user, password):
    user.password_hash = hash_password(password)
    db.commit()

class Repo:
    def save(self, thing):
        self.db.add(thing)
""",
    "app/routes.py": """\
from app import crud

@router.post("/register")
def register(db, form):
    return crud.create_user(db, form.email, form.password)

@router.post("/login")
def login(db, form):
    user = crud.get_user(db, form.email)
    if user.password_hash == hash_password(form.password):
        session.save(user)

@router.post("/reset")
def reset(db, form):
    helper(db, form)

def helper(db, form):
    crud.set_password(db, form.user, form.password)
    crud.set_password(db, form.user, form.password)

@router.get("/health")
def health():
    return "ok"
""",
    "app/util.py": """\
def hash_password(text):
    return hashlib.sha256(text.encode()).hexdigest()

class Store:
    def save(self, thing):
        unknown.set_password(thing)
""",
    "tests/test_users.py": """\
def test_register():
    register(db, form)
""",
}

# file, qualified name, kind, first and last line, signature
DEFINITIONS = [
    ("app/models.py", "app.models", "module", 1, 5, None),
    ("app/models.py", "User", "class", 1, 5, "class User(Base)"),
    ("app/crud.py", "app.crud", "module", 1, 16, None),
    ("app/crud.py", "create_user", "function", 3, 5, "def create_user(db, email, password)"),
    ("app/crud.py", "get_user", "function", 7, 8, "def get_user(db, email)"),
    ("app/crud.py", "set_password", "function", 10, 12, "def set_password(db, user, password)"),
    ("app/crud.py", "Repo", "class", 14, 16, "class Repo"),
    ("app/crud.py", "Repo.save", "method", 15, 16, "def save(self, thing)"),
    ("app/routes.py", "app.routes", "module", 1, 23, None),
    ("app/routes.py", "register", "function", 4, 5, "def register(db, form)"),
    ("app/routes.py", "login", "function", 8, 11, "def login(db, form)"),
    ("app/routes.py", "reset", "function", 14, 15, "def reset(db, form)"),
    ("app/routes.py", "helper", "function", 17, 19, "def helper(db, form)"),
    ("app/routes.py", "health", "function", 22, 23, "def health()"),
    ("app/util.py", "app.util", "module", 1, 6, None),
    ("app/util.py", "hash_password", "function", 1, 2, "def hash_password(text)"),
    ("app/util.py", "Store", "class", 4, 6, "class Store"),
    ("app/util.py", "Store.save", "method", 5, 6, "def save(self, thing)"),
    ("tests/test_users.py", "tests.test_users", "module", 1, 2, None),
    ("tests/test_users.py", "test_register", "function", 1, 2, "def test_register()"),
]

# caller, line, callee or the bare name of an unresolved one, how it was resolved, why it was not
CALLS = [
    ("create_user", 4, "User", "import", None),
    ("create_user", 4, "hash_password", "import", None),
    ("set_password", 11, "hash_password", "import", None),
    ("set_password", 12, "commit", "unresolved", "unknown_receiver"),
    ("register", 5, "create_user", "import", None),
    ("login", 9, "get_user", "import", None),
    ("login", 10, "hash_password", "unique", None),
    ("login", 11, "save", "unresolved", "unknown_receiver"),
    ("reset", 15, "helper", "same_file", None),
    ("helper", 18, "set_password", "import", None),
    ("helper", 19, "set_password", "import", None),
    ("hash_password", 2, "hashlib.sha256", "external", None),
    ("Store.save", 6, "set_password", "unresolved", "unknown_receiver"),
    ("test_register", 2, "register", "import", None),
]

# function, table, operation, field or the row as a whole, line
ACCESSES = [
    ("create_user", "users", "write", "email", 4),
    ("create_user", "users", "write", "password_hash", 4),
    ("get_user", "users", "read", "email", 8),
    ("get_user", "users", "read", None, 8),
    ("set_password", "users", "write", "password_hash", 11),
    ("login", "users", "read", "password_hash", 10),
]

ENTRIES = [
    ("register", "route", "POST /register", 3),
    ("login", "route", "POST /login", 7),
    ("reset", "route", "POST /reset", 13),
    ("health", "route", "GET /health", 21),
    ("test_register", "test", "test_register", 1),
]

SENSITIVE = [("users", "email", "pii"), ("users", "password_hash", "auth")]


def write_sources(root: Path) -> None:
    for path, text in SOURCES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def fill(tx: apsw.Connection, root: Path) -> None:
    """The rows that a scan of the sources would leave, as far as the tools read them."""
    files = {}
    for path in SOURCES:
        stat = (root / path).stat()
        tx.execute(
            "INSERT INTO file_metadata (path, language, size, lines, mtime_secs, mtime_nanos, is_test) "
            "VALUES (?, 'python', ?, ?, ?, ?, ?)",
            (path, stat.st_size, SOURCES[path].count("\n"), stat.st_mtime_ns // 10**9, stat.st_mtime_ns % 10**9,
             path.startswith("tests/")),
        )  # fmt: skip
        files[path] = tx.last_insert_rowid()
    keys: dict[str, int] = {}
    for path, name, kind, first, last, signature in DEFINITIONS:
        parent = keys.get(name.rpartition(".")[0]) if kind != "module" else None
        tx.execute(
            "INSERT INTO functions (file_id, qualified_name, name, kind, parent_id, start_line, end_line, language, "
            "signature, is_test) VALUES (?, ?, ?, ?, ?, ?, ?, 'python', ?, ?)",
            (
                files[path],
                name,
                name.rpartition(".")[2],
                kind,
                parent,
                first,
                last,
                signature,
                name.startswith("test_"),
            ),
        )
        keys[name] = tx.last_insert_rowid()
    for number, (caller, line, callee, resolution, reason) in enumerate(CALLS):
        tx.execute("INSERT OR IGNORE INTO symbols (name) VALUES (?)", (callee,))
        target = None if resolution == "unresolved" else keys.get(callee)
        tx.execute(
            "INSERT INTO function_calls (caller_id, line, column_num, callee_id, callee_symbol, resolution, reason) "
            "SELECT ?, ?, ?, ?, s.id, r.id, ? FROM symbols s, resolutions r WHERE s.name = ? AND r.name = ?",
            (keys[caller], line, number, target, reason, callee, resolution),
        )
    for function, table, operation, field, line in ACCESSES:
        tx.execute(
            "INSERT INTO function_data_access (function_id, table_name, operation, field_name, line, whole_row) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (keys[function], table, operation, field, line, field is None),
        )
    for function, kind, label, line in ENTRIES:
        tx.execute(
            "INSERT INTO entry_points (function_id, kind, label, line) VALUES (?, ?, ?, ?)",
            (keys[function], kind, label, line),
        )
    tx.execute(
        "INSERT INTO data_models (name, table_name, file_id, line, framework, fields) VALUES ('User', 'users', ?, 1, "
        "'sqlalchemy', ?)",
        (files["app/models.py"], json.dumps(["id", "email", "password_hash"])),
    )
    model = tx.last_insert_rowid()
    for position, field in enumerate(("id", "email", "password_hash")):
        tx.execute(
            "INSERT INTO data_fields VALUES (?, ?, ?, ?, NULL, ?)", (model, position, field, field, 3 + position)
        )
    for table, field, held in SENSITIVE:
        tx.execute(
            "INSERT INTO sensitive_fields (table_name, field_name, sensitivity, reason) VALUES (?, ?, ?, 'its name')",
            (table, field, held),
        )
