"""Tables that schema files declare: schema.prisma and SQL."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_mcp.scan import ddl, prisma
from drift_mcp.scan.facts import FileFacts, pack, unpack

PRISMA = """\
datasource db {
  provider = "postgresql" // not a table
}

model User {
  id        Int      @id @default(autoincrement())
  email     String   @unique @map("e_mail") // the { address
  posts     Post[]
  profile   Profile?
  note      String?  @default("a // b }")
  geo       Unsupported("circle")?

  @@index([email])
  @@map("users")
}

enum Role {
  ADMIN
}

view Report {
  total Decimal @db.Decimal(10, 2)
}
"""


def columns(facts: FileFacts) -> dict[str, list[tuple[str, str, str, int]]]:
    return {model.table: [tuple(field) for field in model.fields] for model in facts.schema_models}


def test_a_prisma_model_gives_its_table_and_columns() -> None:
    facts = prisma.facts_of("prisma/schema.prisma", PRISMA.encode())
    assert facts.problems == ()
    assert [(model.name, model.table, model.line, model.framework) for model in facts.schema_models] == [
        ("User", "users", 5, "prisma"),
        ("Report", "Report", 21, "prisma"),
    ]
    assert columns(facts)["users"] == [
        ("id", "id", "Int", 6),
        ("email", "e_mail", "String", 7),
        ("posts", "posts", "Post", 8),
        ("profile", "profile", "Profile", 9),
        ("note", "note", "String", 10),
        ("geo", "geo", 'Unsupported("circle")', 11),
    ]


@pytest.mark.parametrize(
    ("source", "line"), [("model A {\n  id Int\n", 1), ("model A {\n}\nsomething else\n", 3), ("model {\n}\n", 1)]
)
def test_a_prisma_file_that_does_not_parse_says_where(source: str, line: int) -> None:
    assert prisma.facts_of("schema.prisma", source.encode()).problems[0].line == line


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            'CREATE TABLE IF NOT EXISTS "public"."users" (\n  id SERIAL PRIMARY KEY,\n  -- the; mail\n'
            "  email VARCHAR(255) NOT NULL DEFAULT ';',\n  CONSTRAINT x UNIQUE (email)\n);",
            {"users": [("id", "id", "serial", 2), ("email", "email", "varchar(255)", 4)]},
        ),
        (
            "create table `posts` (`id` int NOT NULL AUTO_INCREMENT, KEY `k` (`id`)) ENGINE=InnoDB CHARSET=utf8;",
            {"posts": [("id", "id", "int", 1)]},
        ),
        (
            "CREATE TABLE t (a INTEGER, b TEXT) STRICT, WITHOUT ROWID",
            {"t": [("a", "a", "int", 1), ("b", "b", "text", 1)]},
        ),
        (
            "CREATE TABLE [dbo].[T] ([Id] INT IDENTITY(1,1), [Name] NVARCHAR(MAX) NULL)\nGO\nSELECT 1\nGO\n",
            {"T": [("Id", "Id", "int", 1), ("Name", "Name", "varchar(max)", 1)]},
        ),
        (
            "CREATE TABLE t (a text);\nALTER TABLE t ADD COLUMN b int, ADD COLUMN c int;",
            {"t": [("a", "a", "text", 1), ("b", "b", "int", 2), ("c", "c", "int", 2)]},
        ),
        ("ALTER TABLE other ADD COLUMN z text;", {"other": [("z", "z", "text", 1)]}),
        ("ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES b (y);", {}),
        ("INSERT INTO t VALUES ('CREATE TABLE fake (a int);');", {}),
        ("-- CREATE TABLE gone (a int);\nSELECT 1;", {}),
        ("CREATE FUNCTION f() RETURNS void AS $$ CREATE TABLE inner_one (a int); $$ LANGUAGE sql;", {}),
    ],
)
def test_sql_statements_declare_tables(source: str, expected: dict[str, list[tuple[str, str, str, int]]]) -> None:
    facts = ddl.facts_of("db/schema.sql", source.encode())
    assert facts.problems == ()
    assert columns(facts) == expected


def test_a_statement_that_nobody_understands_is_a_problem_and_the_next_is_read() -> None:
    facts = ddl.facts_of("a.sql", b"SELECT 1;\nCREATE TABLE broken (((;\nCREATE TABLE t (a int);")
    assert [(problem.kind, problem.line) for problem in facts.problems] == [("syntax", 2)]
    assert list(columns(facts)) == ["t"]


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from(
                [
                    "model A {",
                    "}",
                    "id Int",
                    '@@map("a")',
                    "CREATE TABLE",
                    "ALTER TABLE t ADD",
                    "(",
                    ")",
                    "a int",
                    ",",
                    ";",
                    "'",
                ]
            ),
            max_size=30,
        ).map(lambda parts: " ".join(parts).encode()),
    )
)
def test_any_bytes_give_facts(source: bytes) -> None:
    for facts in (prisma.facts_of("schema.prisma", source), ddl.facts_of("a.sql", source)):
        assert unpack(pack(facts)) == facts
