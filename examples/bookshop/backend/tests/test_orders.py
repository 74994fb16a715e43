from datetime import timedelta
from decimal import Decimal

from bookshop.jobs import cancel_stale_orders
from bookshop.models import utc_now
from bookshop.repositories import orders
from tests.conftest import signed_in


def basket(book, quantity=1, card_token="tok_visa"):
    return {"lines": [{"book_id": book.id, "quantity": quantity}], "card_token": card_token}


def test_an_order_takes_stock_and_money(client, session, gateway, reader, book):
    answer = client.post("/api/orders", json=basket(book, 2), headers=signed_in(reader))
    assert answer.status_code == 201
    assert answer.json()["status"] == "paid"
    assert gateway.charges == [Decimal("15.00")]
    session.refresh(book)
    assert book.stock == 0


def test_a_declined_card_leaves_no_order(client, session, gateway, reader, book):
    answer = client.post("/api/orders", json=basket(book, 1, "tok_declined"), headers=signed_in(reader))
    assert answer.status_code == 402
    assert len(gateway.charges) == 1
    session.refresh(book)
    assert book.stock == 2
    assert orders.list_for_user(session, reader) == []


def test_more_copies_than_there_are_cannot_be_sold(client, gateway, reader, book):
    assert client.post("/api/orders", json=basket(book, 3), headers=signed_in(reader)).status_code == 409
    assert gateway.charges == []


def test_payments_show_four_digits_of_the_card(client, reader, book):
    order = client.post("/api/orders", json=basket(book), headers=signed_in(reader)).json()
    payments = client.get(f"/api/orders/{order['id']}/payments", headers=signed_in(reader)).json()
    assert [payment["card_last4"] for payment in payments] == ["4242"]


def test_the_order_of_somebody_else_is_not_found(client, reader, admin, book):
    order = client.post("/api/orders", json=basket(book), headers=signed_in(reader)).json()
    assert client.get(f"/api/orders/{order['id']}", headers=signed_in(admin)).status_code == 404


def test_a_stale_order_gives_its_copies_back(session, reader, book):
    order = orders.create(session, reader)
    orders.add_item(session, order, book, 2)
    book.stock = 0
    order.created_at = utc_now() - timedelta(days=2)
    session.commit()
    assert cancel_stale_orders(session) == 1
    session.commit()
    session.refresh(book)
    assert (order.status, book.stock) == ("cancelled", 2)
