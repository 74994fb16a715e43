"""Which code touches which tables and fields: short sources of every mapper, and what must be found in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

Link: TypeAlias = Callable[[Mapping[str, str]], Any]

ALCHEMY = """
from sqlalchemy import Column, ForeignKey, Integer, String, delete, func, insert, select, text, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declarative_base, mapped_column, relationship

Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    email = Column(String)
    password_hash = Column("password", String)
    posts = relationship("Post", back_populates="author")


class New(DeclarativeBase):
    pass


class Post(New):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    author: Mapped["User"] = relationship()
"""

SQLMODEL = """
from sqlmodel import Field, Session, SQLModel, select


class HeroBase(SQLModel):
    name: str


class Hero(HeroBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    secret: str
"""

DJANGO = """
from django.db import connection, models
from django.shortcuts import get_object_or_404


class Author(models.Model):
    name = models.CharField(max_length=10)
    email = models.EmailField()


class Book(models.Model):
    title = models.CharField(max_length=10)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")

    class Meta:
        db_table = "library_books"
"""

PLAIN = ""

# (preamble, statement, what it touches as 'operation table(field, …)' with '*' for whole rows)
PYTHON = [
    # SQLAlchemy, as it was
    (ALCHEMY, "def f(db: Session): return db.query(User).all()", ["read users(*)"]),
    (ALCHEMY, "def f(db: Session): return db.query(User).filter(User.email == 'a').first()", ["read users(email, *)"]),
    (ALCHEMY, "def f(db: Session): return db.query(User).filter_by(email='a').one()", ["read users(email, *)"]),
    (ALCHEMY, "def f(db: Session): return db.query(User).filter_by(email='a').count()", ["read users(email)"]),
    (ALCHEMY, "def f(db: Session): db.query(User).filter_by(id=1).delete()", ["delete users(*)"]),
    (ALCHEMY, "def f(db: Session): db.query(User).update({'email': 'a'})", ["write users(email)"]),
    (ALCHEMY, "def f(db: Session): return db.query(User.email)", ["read users(email)"]),
    (ALCHEMY, "def f(db: Session): db.add(User(email='a'))", ["write users(email, *)"]),
    (
        ALCHEMY,
        "def f(db: Session):\n    user = db.get(User, 1)\n    user.email = 'x'",
        ["read users(*)", "write users(email)"],
    ),
    (
        ALCHEMY,
        "def f(db: Session):\n    user = db.get(User, 1)\n    db.delete(user)",
        ["delete users(*)", "read users(*)"],
    ),
    # SQLAlchemy, as it is
    (ALCHEMY, "def f(db: Session): return db.execute(select(Post)).scalars().all()", ["read posts(*)"]),
    (ALCHEMY, "def f(db: Session): return db.scalars(select(Post).where(Post.title == 'a'))", ["read posts(title, *)"]),
    (ALCHEMY, "def f(db: Session): return db.execute(select(User.email))", ["read users(email)"]),
    (ALCHEMY, "def f(db: Session): db.execute(insert(User).values(email='a'))", ["write users(email)"]),
    (
        ALCHEMY,
        "def f(db: Session): db.execute(update(User).where(User.id == 1).values(password_hash='a'))",
        ["read users(id)", "write users(password)"],
    ),
    (
        ALCHEMY,
        "def f(db: Session): db.execute(delete(Post).where(Post.id == 1))",
        ["delete posts(*)", "read posts(id)"],
    ),
    (ALCHEMY, "def f(post: Post): return post.author.email", ["read users(email)"]),
    (ALCHEMY, "def f(user: User): return user.password_hash", ["read users(password)"]),
    (ALCHEMY, "def f(user: User): return user.nothing", []),
    (ALCHEMY, "def f(user): return user.email", []),
    # SQLModel
    (SQLMODEL, "def f(db: Session): return db.exec(select(Hero)).all()", ["read hero(*)"]),
    (SQLMODEL, "def f(hero: Hero): return hero.name, hero.secret", ["read hero(name, secret)"]),
    (
        SQLMODEL,
        "def f(db: Session, hero: HeroBase): db.add(Hero(name=hero.name, secret='x'))",
        ["read hero(name)", "write hero(name, secret, *)"],
    ),
    (
        SQLMODEL,
        "def f(given: HeroBase): return Hero.model_validate(given, update={'secret': 'x'})",
        ["write hero(secret, *)"],
    ),
    (
        SQLMODEL,
        "def f(): return Hero.model_validate({'name': 'a'}, update={'secret': 'x'})",
        ["write hero(name, secret)"],
    ),
    # Django
    (DJANGO, "def f(): return Author.objects.all()", ["read app_author(*)"]),
    (DJANGO, "def f(): return Author.objects.filter(email='a').exists()", ["read app_author(email)"]),
    (DJANGO, "def f(): return Author.objects.values_list('email', flat=True)", ["read app_author(email)"]),
    (
        DJANGO,
        "def f(): return Author.objects.filter(name__startswith='a').order_by('-email')",
        ["read app_author(email, name, *)"],
    ),
    (DJANGO, "def f(): Author.objects.create(name='a')", ["write app_author(name)"]),
    (
        DJANGO,
        "def f(): Author.objects.filter(name='a').update(email='b')",
        ["read app_author(name)", "write app_author(email)"],
    ),
    (DJANGO, "def f(): Author.objects.filter(name='a').delete()", ["delete app_author(*)", "read app_author(name)"]),
    (
        DJANGO,
        "def f(): return Author.objects.get_or_create(name='a', defaults={'email': 'b'})",
        ["read app_author(name, *)", "write app_author(email, name)"],
    ),
    (DJANGO, "def f(): return get_object_or_404(Book, pk=1).title", ["read library_books(title, *)"]),
    (
        DJANGO,
        "def f(book: Book):\n    book.title = 'x'\n    book.save()",
        ["write library_books(*)", "write library_books(title)"],
    ),
    (DJANGO, "def f(book: Book): return book.author.name", ["read app_author(name)", "read library_books(author_id)"]),
    # SQL text
    (
        PLAIN,
        "def f(c): c.execute('SELECT id, name FROM users WHERE email = %s', ('a',))",
        ["read users(email, id, name)"],
    ),
    (PLAIN, "def f(c): c.execute('SELECT * FROM users')", ["read users(*)"]),
    (
        PLAIN,
        "def f(c): c.execute('INSERT INTO users (email, name) VALUES (?, ?)', ('a', 'b'))",
        ["write users(email, name)"],
    ),
    (PLAIN, "def f(c): c.execute('INSERT INTO users VALUES (1, 2)')", ["write users(*)"]),
    (
        PLAIN,
        "def f(c): c.execute('UPDATE users SET email = :e WHERE id = :i', {})",
        ["read users(id)", "write users(email)"],
    ),
    (PLAIN, "def f(c): c.execute('DELETE FROM users WHERE id = ?', (1,))", ["delete users(id, *)"]),
    (PLAIN, "def f(c, name): c.execute(f'SELECT id FROM users WHERE name = {name}')", ["read users(id, name)"]),
    (PLAIN, "def f(c, table): c.execute(f'SELECT id FROM {table} WHERE name = 1')", []),
    (
        PLAIN,
        "def f(c): c.execute('SELECT u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id')",
        ["read orders(total, user_id)", "read users(email, id)"],
    ),
    (PLAIN, "def f(c): c.execute('WITH recent AS (SELECT id FROM orders) SELECT id FROM recent')", ["read orders(id)"]),
    (PLAIN, "QUERY = 'SELECT id FROM users'\n\n\ndef f(c): c.execute(QUERY)", ["read users(id)"]),
    (PLAIN, "def f(c): c.execute('select one from the menu and update your order')", []),
    (PLAIN, "def f(log): log('Select a user from the list')", []),
    (PLAIN, "def f(log): log.info('Delete from cart where possible')", []),
    (PLAIN, "def f(c): c.execute('PRAGMA journal_mode = WAL')", []),
]

PRISMA = """
model User {
  id    Int    @id
  email String @map("email_address")
  posts Post[]

  @@map("users")
}

model Post {
  id       Int    @id
  title    String
  authorId Int
  author   User   @relation(fields: [authorId], references: [id])
}
"""

TYPEORM = """
import { Column, Entity, getRepository, ManyToOne, PrimaryGeneratedColumn, Repository } from 'typeorm'
import { InjectRepository } from '@nestjs/typeorm'

@Entity('users')
export class User {
  @PrimaryGeneratedColumn() id: number
  @Column({ name: 'email_address' }) email: string
  @Column() name: string
}
"""

SEQUELIZE = """
const { DataTypes, Model, Sequelize } = require('sequelize')
const sequelize = new Sequelize('sqlite::memory:')
const fields = { email: DataTypes.STRING, password: { type: DataTypes.STRING, field: 'secret' } }
const User = sequelize.define('User', fields, { tableName: 'users' })
"""

MONGOOSE = """
import mongoose, { Schema } from 'mongoose'
const userSchema = new Schema({ email: String, password: { type: String } })
export const User = mongoose.model('User', userSchema)
"""

KNEX = """
import knexFactory from 'knex'
const knex = knexFactory({})
"""


def service(method: str) -> str:
    return f"export class S {{ constructor(private readonly users: Repository<User>) {{}} {method} }}"


SCRIPT = [
    (PRISMA, "export const f = (prisma) => prisma.user.findMany()", ["read users(*)"]),
    (
        PRISMA,
        "export const f = (prisma) => prisma.user.findUnique({ where: { email: 'a' }, select: { id: true } })",
        ["read users(email_address, id)"],
    ),
    (
        PRISMA,
        "export const f = (prisma) => prisma.user.create({ data: { email: 'a' } })",
        ["write users(email_address)"],
    ),
    (
        PRISMA,
        "export const f = (prisma) => prisma.user.update({ where: { id: 1 }, data: { email: 'a' } })",
        ["read users(id)", "write users(email_address)"],
    ),
    (
        PRISMA,
        "export const f = (prisma) => prisma.post.deleteMany({ where: { authorId: 1 } })",
        ["delete Post(*)", "read Post(authorId)"],
    ),
    (
        PRISMA,
        "export const f = (prisma) => prisma.user.findMany({ include: { posts: true } })",
        ["read Post(*)", "read users(*)"],
    ),
    (PRISMA, "export const f = (prisma) => prisma.user.count()", ["read users()"]),
    (
        PRISMA,
        "export async function f(prisma) { const user = await prisma.user.findFirst(); return user.email }",
        ["read users(email_address, *)"],
    ),
    (
        PRISMA,
        "export const f = (prisma) => prisma.$queryRaw`SELECT title FROM Post WHERE id = ${1}`",
        ["read Post(id, title)"],
    ),
    (PRISMA, "export const f = (thing) => thing.user.findMany()", []),
    (
        TYPEORM,
        service("all() { return this.users.find() }"),
        ["read users(*)"],
    ),
    (
        TYPEORM,
        service("one() { return this.users.findOne({ where: { email: 'a' } }) }"),
        ["read users(email_address, *)"],
    ),
    (
        TYPEORM,
        service("add(user: User) { return this.users.save(user) }"),
        ["write users(*)"],
    ),
    (
        TYPEORM,
        service("drop() { return this.users.delete({ id: 1 }) }"),
        ["delete users(*)"],
    ),
    (
        TYPEORM,
        "export function f(user: User) { user.email = 'a'; return user.name }",
        ["read users(name)", "write users(email_address)"],
    ),
    (
        TYPEORM,
        "export const f = () => getRepository(User).createQueryBuilder('u').where('u.email = :e').getMany()",
        ["read users(email_address, *)"],
    ),
    (SEQUELIZE, "const f = () => User.findAll({ where: { email: 'a' } })", ["read users(email, *)"]),
    (SEQUELIZE, "const f = () => User.findAll({ attributes: ['email'] })", ["read users(email)"]),
    (SEQUELIZE, "const f = () => User.create({ email: 'a', password: 'b' })", ["write users(email, secret)"]),
    (SEQUELIZE, "const f = () => User.destroy({ where: { email: 'a' } })", ["delete users(*)"]),
    (SEQUELIZE, "const f = () => sequelize.query('SELECT email FROM users')", ["read users(email)"]),
    (MONGOOSE, "export const f = () => User.find({ email: 'a' })", ["read users(email, *)"]),
    (MONGOOSE, "export const f = () => User.findByIdAndUpdate(1, { password: 'a' })", ["write users(password)"]),
    (MONGOOSE, "export const f = () => User.deleteMany({ email: 'a' })", ["delete users(*)"]),
    (MONGOOSE, "export const f = () => User.countDocuments({ email: 'a' })", ["read users(email)"]),
    (KNEX, "export const f = () => knex('users').where({ email: 'a' }).select('name')", ["read users(email, name)"]),
    (KNEX, "export const f = () => knex('users').where({ id: 1 }).update({ email: 'a' })", ["write users(email)"]),
    (KNEX, "export const f = () => knex('users').insert({ email: 'a' })", ["write users(email)"]),
    (KNEX, "export const f = () => knex('users').where('id', 1).del()", ["delete users(id, *)"]),
    (KNEX, "export const f = () => knex.select('*').from('users')", ["read users(*)"]),
    (KNEX, "export const f = (translate) => translate('users').where('is it')", []),
]


def touched(linked: Any, path: str) -> list[str]:
    """Accesses below the module level as 'operation table(field, …)'; '*' stands for whole rows."""
    return sorted(
        f"{one.operation} {one.table}({', '.join([*sorted(one.fields), *(['*'] if one.whole_row else [])])})"
        for one in linked.accesses(path)
        if one.definition != 0
    )


@pytest.mark.parametrize(("models", "statement", "expected"), PYTHON, ids=[case[1] for case in PYTHON])
def test_python_touches_what_it_names(models: str, statement: str, expected: list[str], link: Link) -> None:
    linked = link({"app/models.py": models, "app/code.py": f"from app.models import *\n\n\n{statement}\n"})
    assert touched(linked, "app/code.py") == expected


@pytest.mark.parametrize(("models", "statement", "expected"), SCRIPT, ids=[case[1] for case in SCRIPT])
def test_scripts_touch_what_they_name(models: str, statement: str, expected: list[str], link: Link) -> None:
    if models is PRISMA:
        sources = {"schema.prisma": PRISMA, "code.ts": statement + "\n"}
    else:
        sources = {"code.ts": f"{models}\n{statement}\n"}
    assert touched(link(sources), "code.ts") == expected
