"""Which classes and calls declare tables: a declaration of every mapper, and what it says of its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

Link: TypeAlias = Callable[[Mapping[str, str]], Any]

# name → (path, source, models as 'Name table [framework] field:column …')
DECLARATIONS: dict[str, tuple[str, str, list[str]]] = {
    "SQLAlchemy with columns": (
        "models.py",
        """
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()


class Stamped(Base):
    __abstract__ = True
    created = Column(String)


class User(Stamped):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    password_hash = Column("password", String)
    posts = relationship("Post")
    kind = "user"
""",
        ["User users [sqlalchemy] created id password_hash:password"],
    ),
    "SQLAlchemy with mapped columns": (
        "models.py",
        """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None]
""",
        ["User users [sqlalchemy] id email"],
    ),
    "SQLModel": (
        "models.py",
        """
from sqlmodel import Field, SQLModel


class HeroBase(SQLModel):
    name: str


class Hero(HeroBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    team_id: int


class HeroPublic(HeroBase):
    id: int
""",
        ["Hero hero [sqlmodel] name id team_id"],
    ),
    "Django": (
        "shop/models.py",
        """
from django.contrib.auth.models import AbstractUser
from django.db import models


class Base(models.Model):
    created = models.DateTimeField()

    class Meta:
        abstract = True


class Book(Base):
    title = models.CharField(max_length=10)
    author = models.ForeignKey("Author", on_delete=models.CASCADE)
    tags = models.ManyToManyField("Tag")


class Author(Base):
    name = models.CharField(max_length=10, db_column="full_name")

    class Meta:
        db_table = "people"
""",
        [
            "Author people [django] id created name:full_name",
            "Book shop_book [django] id created title author:author_id",
        ],
    ),
    "TypeORM": (
        "user.entity.ts",
        """
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm'

@Entity({ name: 'users' })
export class User {
  @PrimaryGeneratedColumn() id: number
  @Column({ name: 'email_address' }) email: string
  notAColumn: string
}

@Entity()
export class UserPhoto {
  @Column() url: string
}

export class Plain {
  url: string
}
""",
        ["User users [typeorm] id email:email_address", "UserPhoto user_photo [typeorm] url"],
    ),
    "Sequelize by define and by init": (
        "models.js",
        """
const { DataTypes, Model, Sequelize } = require('sequelize')
const sequelize = new Sequelize('sqlite::memory:')
const Book = sequelize.define('Book', { title: DataTypes.STRING }, { tableName: 'books' })
class User extends Model {}
User.init({ email: { type: DataTypes.STRING, field: 'mail' } }, { sequelize, tableName: 'users' })
""",
        ["Book books [sequelize] title", "User users [sequelize] email:mail"],
    ),
    "Mongoose": (
        "models.ts",
        """
import mongoose from 'mongoose'
const schema = new mongoose.Schema({ email: String, password: { type: String } })
export const User = mongoose.model('User', schema)
""",
        ["User users [mongoose] email password"],
    ),
    "Prisma": (
        "schema.prisma",
        """
model User {
  id    Int    @id
  email String @map("email_address")
  posts Post[]

  @@map("users")
}

model Post {
  id       Int  @id
  author   User @relation(fields: [authorId], references: [id])
  authorId Int
}
""",
        ["Post Post [prisma] id author authorId", "User users [prisma] id email:email_address posts"],
    ),
    "tables made by statements": (
        "schema.sql",
        "CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL, CHECK (id > 0));\n",
        ["users users [sql] id email"],
    ),
    "classes that are no tables": (
        "plain.py",
        """
from dataclasses import dataclass

from pydantic import BaseModel


@dataclass
class User:
    email: str


class Form(BaseModel):
    email: str


class Model:
    email = "x"
""",
        [],
    ),
}


@pytest.mark.parametrize("name", DECLARATIONS)
def test_a_declaration_says_its_table_and_columns(name: str, link: Link) -> None:
    path, source, expected = DECLARATIONS[name]
    found = []
    for model in link({path: source}).models():
        fields = [
            field.name if field.name == field.column else f"{field.name}:{field.column}" for field in model.fields
        ]
        found.append(" ".join([model.name, model.table, f"[{model.framework}]", *fields]))
    assert sorted(found) == expected
