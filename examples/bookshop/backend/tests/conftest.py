from collections.abc import Iterator
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from bookshop import config, db
from bookshop.dependencies import get_gateway
from bookshop.errors import PaymentDeclined
from bookshop.gateway import Charge
from bookshop.main import create_app
from bookshop.models import Book, User
from bookshop.repositories import users
from bookshop.security import create_access_token, hash_password

PASSWORD = "correct horse battery"


class RecordingGateway:
    """Stands in for the provider: remembers what it was asked, declines the card `tok_declined`."""

    def __init__(self) -> None:
        self.charges: list[Decimal] = []
        self.refunds: list[str] = []

    def charge(self, card_token: str, amount: Decimal) -> Charge:
        self.charges.append(amount)
        if card_token == "tok_declined":
            raise PaymentDeclined("The card was declined")
        return Charge(reference=f"ch_{len(self.charges)}", card_last4="4242")

    def refund(self, reference: str) -> None:
        self.refunds.append(reference)


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("BOOKSHOP_SECRET_KEY", "a key of at least thirty-two bytes for the tests")
    monkeypatch.setenv("PAYMENT_API_KEY", "not used by the recording gateway")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/bookshop.db")
    config.get_settings.cache_clear()
    db.get_engine.cache_clear()
    db.create_tables()
    yield
    db.get_engine().dispose()


@pytest.fixture
def session() -> Iterator[Session]:
    with db.open_session() as open_session:
        yield open_session


@pytest.fixture
def gateway() -> RecordingGateway:
    return RecordingGateway()


@pytest.fixture
def client(gateway: RecordingGateway) -> TestClient:
    app = create_app()
    app.dependency_overrides[get_gateway] = lambda: gateway
    return TestClient(app)


@pytest.fixture
def reader(session: Session) -> User:
    user = users.add(session, "reader@example.com", hash_password(PASSWORD), "A Reader")
    session.commit()
    return user


@pytest.fixture
def admin(session: Session) -> User:
    user = users.add(session, "admin@example.com", hash_password(PASSWORD), "An Administrator")
    user.is_admin = True
    session.commit()
    return user


@pytest.fixture
def book(session: Session) -> Book:
    book = Book(isbn="9780141439518", title="Pride and Prejudice", author="Jane Austen", price=Decimal("7.50"), stock=2)
    session.add(book)
    session.commit()
    return book


def signed_in(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {create_access_token(user.id)}"}
