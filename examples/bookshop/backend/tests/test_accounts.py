from bookshop.repositories import users
from bookshop.security import hash_password, needs_rehash
from bookshop.services import accounts
from tests.conftest import PASSWORD, signed_in


def test_register_and_sign_in(client):
    body = {"email": "New@Example.com", "password": PASSWORD, "full_name": "New Reader"}
    created = client.post("/api/auth/register", json=body)
    assert created.status_code == 201
    assert created.json()["email"] == "new@example.com"
    assert "password_hash" not in created.json()

    token = client.post("/api/auth/token", data={"username": "new@example.com", "password": PASSWORD}).json()
    me = client.get("/api/users/me", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert me.json()["full_name"] == "New Reader"


def test_an_email_registers_once(client, reader):
    body = {"email": reader.email, "password": PASSWORD, "full_name": "Somebody Else"}
    assert client.post("/api/auth/register", json=body).status_code == 409


def test_a_wrong_password_is_refused(client, reader):
    answer = client.post("/api/auth/token", data={"username": reader.email, "password": "wrong password"})
    assert answer.status_code == 401


def test_a_new_password_replaces_the_old_one(client, reader):
    change = {"current_password": PASSWORD, "new_password": "another long password"}
    assert client.put("/api/users/me/password", json=change, headers=signed_in(reader)).status_code == 204
    for password, status in ((PASSWORD, 401), ("another long password", 200)):
        answer = client.post("/api/auth/token", data={"username": reader.email, "password": password})
        assert answer.status_code == status


def test_signing_in_renews_a_hash_of_older_cost(session, reader, monkeypatch):
    with monkeypatch.context() as cheaper:
        cheaper.setattr("bookshop.security.SCRYPT_N", 2**12)
        users.set_password_hash(session, reader.id, hash_password(PASSWORD))
    accounts.authenticate(session, reader.email, PASSWORD)
    session.refresh(reader)
    assert not needs_rehash(reader.password_hash)


def test_a_closed_account_keeps_nothing_personal(client, session, reader):
    assert client.delete("/api/users/me", headers=signed_in(reader)).status_code == 204
    session.refresh(reader)
    assert reader.full_name == "deleted"
    assert "reader@" not in reader.email
    assert client.get("/api/users/me", headers=signed_in(reader)).status_code == 401
