from __future__ import annotations

import pytest

from drift_mcp.scan.secrets import env_sensitivity, looks_secret, redact_code, redact_default, redact_prose

# Put together at run time, so that no scanner takes the test for a leak.
SECRETS = {
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "aws secret": "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzEXAMPLEKEY",
    "github": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "github fine-grained": "github_pat_" + "11ABCDEFG0abcdefghijkl_mnopqrstuv",
    "gitlab": "glpat-" + "xYz123_abcDEF-456ghi",
    "slack": "xoxb-" + "1234567890-abcdefGHIJ",
    "slack hook": "https://hooks.slack.com/services/" + "T0000AAAA/B0000BBBB/abcdefghijklmnop12345678",
    "stripe": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "stripe test": "sk_test_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "google": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "model api": "sk-ant-" + "api03-abcdefghijklmnopqrstuvwx",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "jwt in a header": "Bearer eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0" + ".dozjgNryP4J3jVmNHl0w5N",
    "pem": "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow",
    "url": "postgresql://app:hunter22@db.internal:5432/shop",
    "url without user": "redis://:s3cr3t@cache:6379/0",
    "connection string": "Server=db;Database=shop;User Id=app;Password=hunter22;",
    "random hexadecimal": "4f3c2a1b9e8d7c6f5a4b3c2d1e0f9a8b",
    "random base64": "Zm9vYmFyQmF6MTIzNDU2Nzg5MHF3eHZrag",
    "random base62": "q7Xv2Kp9Zt4Rj8Wm1Lc6",
    "basic authorization": "Basic xa9zZXJuYW1lOnRlc3TGtg==",
    "stored password": "$2b$12$" + "KIXQ4m5r9mX1y2z3A4B5C6D7E8F9G0H1I2J3K4L5M6N7O8P9Q0R1S",
    "django": "django-insecure-" + "3z!k&x@8w5q$1p0o9i",
}

ORDINARY = [
    "",
    "name",
    "user_authentication_backend_2",
    "getUserByEmailAndPasswordV2",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "drift_mcp.scan.secrets.looks_secret",
    "/api/v1/users/{user_id}/orders/2024",
    "/users/:userId/portfolio/positions/:symbol2",
    "api/v2/symbol-profile/historical-data",
    "src/app/components/home-holdings/home-holdings.component.html",
    "./fixtures/user2/profile-picture-512x512.png",
    "SELECT id, email FROM users WHERE id = %s AND created_at > '2024-01-01'",
    "INSERT INTO sessions (token, user_id) VALUES ($1, $2)",
    "550e8400-e29b-41d4-a716-446655440000",
    "507f1f77bcf86cd799439011",
    "00000000000000000000000000000000",
    "2024-01-01T00:00:00.000Z",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "1.26.0.post1.dev20240101",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "text/html; charset=utf-8",
    "https://example.com/path?token=abc&page=2",
    "postgresql://localhost:5432/shop",
    "postgresql://{user}:{password}@{host}/{name}",
    "mysql://%s:%s@localhost/test",
    "postgresql://${USER}:${PASSWORD}@db/shop",
    "sqlite:////var/lib/app/data.db",
    "user@example.com",
    "mailto:first.last2@example.com",
    "Enter a valid password with at least 8 characters",
    "grid-cols-12 md:grid-cols-6 text-gray-500",
    "linear-gradient(90deg, #ff0000 0%, #00ff00 100%)",
    "x86_64-unknown-linux-gnu-2024",
    "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    "PK_3955faa3e62aba1963fccbe0708",
    "0.30000000000000004",
    "ISO-8859-1,utf-8;q=0.7,*;q=0.3",
    "test_user_can_login_with_2fa_twice_in_24h",
]


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_a_credential_is_seen(text: str) -> None:
    assert looks_secret(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_string_is_left_alone(text: str) -> None:
    assert not looks_secret(text)


ENV = {
    "secret": [
        "SECRET_KEY",
        "DB_PASSWORD",
        "pw",
        "PGPASSWORD",
        "POSTGRES_PASSWORD",
        "DB_PWD",
        "JWT_SECRET",
        "JWT_SECRET_KEY",
        "STRIPE_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "accessToken",
        "ACCESS_TOKEN_SALT",
        "ENCRYPTION_KEY",
        "MAPBOX_KEY",
        "SSH_PRIVATE_KEY",
        "Jwt:Key",
    ],
    "credential": [
        "DATABASE_URL",
        "REDIS_URL",
        "SENTRY_DSN",
        "SMTP_USER",
        "DB_USERNAME",
        "GOOGLE_CLIENT_ID",
        "MONGODB_URI",
    ],
    "config": [
        "PORT",
        "HOST",
        "DEBUG",
        "LOG_LEVEL",
        "NODE_ENV",
        "PWD",
        "TOKEN_EXPIRY",
        "JWT_ALGORITHM",
        "PASSWORD_MIN_LENGTH",
        "SECRET_NAME",
        "AWS_REGION",
        "KEYCLOAK_URL",
        "API_BASE_URL",
        "POSTGRES_HOST",
        "CACHE_TTL",
        "DJANGO_SETTINGS_MODULE",
        "PYTHONPATH",
        "RATE_LIMIT_MAX",
        "PUBLIC_KEY_PATH",
    ],
    "unknown": ["FOO", "SHIPPING_CARRIER", "KEYBOARD", "PASSENGERS", "MONKEY", "TOKENIZER", "", "___"],
}


@pytest.mark.parametrize(("name", "expected"), [(name, kind) for kind, names in ENV.items() for name in names])
def test_a_variable_is_judged_by_the_words_of_its_name(name: str, expected: str) -> None:
    assert env_sensitivity(name) == expected


@pytest.mark.parametrize(
    ("name", "default", "stored"),
    [
        ("SECRET_KEY", None, None),
        ("SECRET_KEY", "", ""),
        ("SECRET_KEY", "None", "None"),
        ("SECRET_KEY", "dev", "[redacted]"),
        ("SECRET_KEY", "'dev'", "[redacted]"),
        ("DATABASE_URL", "postgresql://app:hunter22@db/shop", "postgresql://[redacted]@db/shop"),
        ("DATABASE_URL", "'postgresql://app:hunter22@db/shop'", "'postgresql://[redacted]@db/shop'"),
        ("DATABASE_URL", "sqlite:///local.db", "sqlite:///local.db"),
        ("SMTP_USER", "mailer", "[redacted]"),
        ("PORT", "8000", "8000"),
        ("HOME_PAGE", "https://me:pw@example.com", "https://[redacted]@example.com"),
        ("SOMETHING", SECRETS["stripe"], "[redacted]"),
        ("SOMETHING", f'"{SECRETS["github"]}"', "[redacted]"),
        ("TOKEN_EXPIRY", "3600", "3600"),
    ],
)
def test_a_default_is_stored_without_its_secret(name: str, default: str | None, stored: str | None) -> None:
    assert redact_default(name, default) == stored


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ('const password = "hunter22"', "const password = '[redacted]'"),
        ("connect('" + SECRETS["github"] + "')", "connect('[redacted]')"),
        ('title = "Your password"', 'title = "Your password"'),
        ("return 1", "return 1"),
    ],
)
def test_code_is_kept_without_the_secrets_in_its_literals(code: str, kept: str) -> None:
    assert redact_code(code) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"see {SECRETS['github']}, and {SECRETS['aws']}.", "see [redacted] and [redacted]"),
        (f"by {SECRETS['jwt']}", "by [redacted]"),
        (SECRETS["url"], "postgresql://app:[redacted]@db.internal:5432/shop"),
        ("postgresql://{user}:{password}@{host}/shop", "postgresql://{user}:{password}@{host}/shop"),
        (SECRETS["pem"] + "\n-----END RSA PRIVATE KEY----- is gone", "[redacted] is gone"),
        ("since 3f2c1ab9e8d7c6f5a4b3c2d1e0f9a8b7c6d5e4f3", "since 3f2c1ab9e8d7c6f5a4b3c2d1e0f9a8b7c6d5e4f3"),
    ],
)
def test_prose_is_kept_without_tokens_and_passwords_and_with_what_is_only_random(text: str, kept: str) -> None:
    assert redact_prose(text) == kept


@pytest.mark.parametrize(
    "name", [name for name in SECRETS if not name.startswith(("random", "url", "basic", "connection", "aws s"))]
)
def test_no_token_of_a_known_issuer_gets_through_in_prose(name: str) -> None:
    assert redact_prose(f"use {SECRETS[name]} here").startswith("use ")
    assert SECRETS[name] not in redact_prose(f"use {SECRETS[name]} here")
