import pytest

from bookshop.errors import InvalidCredentials
from bookshop.security import create_access_token, hash_password, needs_rehash, read_access_token, verify_password


def test_a_hash_verifies_its_own_password_only():
    stored = hash_password("correct horse battery")
    assert verify_password("correct horse battery", stored)
    assert not verify_password("correct horse batteries", stored)


def test_two_hashes_of_one_password_differ():
    assert hash_password("correct horse battery") != hash_password("correct horse battery")


def test_a_hash_of_older_cost_asks_for_a_new_one():
    assert needs_rehash("scrypt$4096$c2FsdA==$aGFzaA==")
    assert not needs_rehash(hash_password("correct horse battery"))


def test_a_token_gives_its_user_back():
    assert read_access_token(create_access_token(42)) == 42


def test_a_damaged_token_is_refused():
    with pytest.raises(InvalidCredentials):
        read_access_token(create_access_token(42)[:-3])
