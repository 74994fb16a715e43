"""Password hashes and access tokens."""

import base64
import hashlib
import hmac
import os
from datetime import timedelta

import jwt

from bookshop.config import get_settings
from bookshop.errors import InvalidCredentials
from bookshop.models import utc_now

# 2**14 * 8 * 128 bytes = 16 MiB and about 50 ms a hash on the web machines.
SCRYPT_N = 2**14
SCRYPT_R = 8
SCRYPT_P = 1
TOKEN_ALGORITHM = "HS256"


def hash_password(password: str) -> str:
    salt = os.urandom(16)
    return f"scrypt${SCRYPT_N}${_encode(salt)}${_encode(_derive(password, salt, SCRYPT_N))}"


def verify_password(password: str, password_hash: str) -> bool:
    scheme, n, salt, expected = password_hash.split("$")
    if scheme != "scrypt":
        return False
    actual = _derive(password, base64.b64decode(salt), int(n))
    return hmac.compare_digest(actual, base64.b64decode(expected))


def needs_rehash(password_hash: str) -> bool:
    return int(password_hash.split("$")[1]) < SCRYPT_N


def create_access_token(user_id: int) -> str:
    settings = get_settings()
    claims = {"sub": str(user_id), "exp": utc_now() + timedelta(minutes=settings.token_minutes)}
    return jwt.encode(claims, settings.secret_key, algorithm=TOKEN_ALGORITHM)


def read_access_token(token: str) -> int:
    """The user's id, or InvalidCredentials for a token that is forged, damaged or too old."""
    try:
        claims = jwt.decode(token, get_settings().secret_key, algorithms=[TOKEN_ALGORITHM])
    except jwt.InvalidTokenError as error:
        raise InvalidCredentials("The token is not valid") from error
    return int(claims["sub"])


def _derive(password: str, salt: bytes, n: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=SCRYPT_R, p=SCRYPT_P)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
