"""The `bookshop` command, for whoever runs the shop."""

from datetime import UTC, datetime

import click

from bookshop import jobs
from bookshop.db import create_tables, open_session
from bookshop.repositories import users
from bookshop.security import hash_password
from bookshop.services import reports


@click.group()
def cli() -> None:
    create_tables()


@cli.command()
@click.argument("email")
@click.option("--name", default="Administrator")
@click.password_option()
def create_admin(email: str, name: str, password: str) -> None:
    """Make an account with all rights."""
    with open_session() as db:
        user = users.add(db, email, hash_password(password), name)
        user.is_admin = True
        db.commit()
    click.echo(f"administrator {user.email} has id {user.id}")


@cli.command()
def cancel_stale() -> None:
    """Cancel orders that nobody paid."""
    jobs.run_once()


@cli.command()
@click.option("--year", type=int, default=lambda: datetime.now(UTC).year)
def sales(year: int) -> None:
    """What each customer spent in a year."""
    with open_session() as db:
        for row in reports.sales_by_customer(db, datetime(year, 1, 1)):
            click.echo(f"{row.spent:>10}  {row.orders:>4}  {row.email}")


if __name__ == "__main__":
    cli()
