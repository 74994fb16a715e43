from tests.conftest import signed_in
from tests.test_orders import basket


def test_only_administrators_add_books(client, reader, admin):
    body = {"isbn": "978-0-14-143951-8", "title": "Pride and Prejudice", "author": "Jane Austen", "price": "7.50"}
    assert client.post("/api/admin/books", json=body, headers=signed_in(reader)).status_code == 403
    created = client.post("/api/admin/books", json=body, headers=signed_in(admin))
    assert created.json()["isbn"] == "9780141439518"
    assert [book["title"] for book in client.get("/api/books?q=austen").json()] == ["Pride and Prejudice"]


def test_a_wrong_isbn_is_refused(client, admin):
    body = {"isbn": "9780141439519", "title": "T", "author": "A", "price": "1"}
    assert client.post("/api/admin/books", json=body, headers=signed_in(admin)).status_code == 400


def test_a_refund_gives_money_and_copies_back_and_is_audited(client, session, gateway, reader, admin, book):
    order = client.post("/api/orders", json=basket(book), headers=signed_in(reader)).json()
    refunded = client.post(f"/api/admin/orders/{order['id']}/refund", headers=signed_in(admin))
    assert refunded.json()["status"] == "refunded"
    assert gateway.refunds == ["ch_1"]
    session.refresh(book)
    assert book.stock == 2
    log = client.get("/api/admin/audit", headers=signed_in(admin)).json()
    assert [entry["action"] for entry in log] == ["order.refund"]


def test_the_sales_report_counts_captured_payments(client, reader, admin, book):
    for _ in range(2):
        client.post("/api/orders", json=basket(book), headers=signed_in(reader))
    report = client.get("/api/admin/reports/sales?since=2020-01-01T00:00:00", headers=signed_in(admin)).json()
    assert [(row["email"], row["orders"], float(row["spent"])) for row in report] == [("reader@example.com", 2, 15.0)]
