"""Settings, read once from the environment."""

import os
from dataclasses import dataclass
from functools import lru_cache

from bookshop.errors import ConfigurationError


@dataclass(frozen=True)
class Settings:
    secret_key: str
    database_url: str
    payment_api_url: str
    payment_api_key: str
    smtp_host: str
    smtp_password: str
    token_minutes: int
    log_level: str


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"{name} is not set")
    return value


@lru_cache
def get_settings() -> Settings:
    return Settings(
        # No default on purpose: a shop that signs tokens with a known key is an open shop.
        secret_key=os.environ["BOOKSHOP_SECRET_KEY"],
        database_url=os.environ.get("DATABASE_URL", "sqlite:///bookshop.db"),
        payment_api_url=os.environ.get("PAYMENT_API_URL", "https://payments.example.com/v1"),
        payment_api_key=_required("PAYMENT_API_KEY"),
        smtp_host=os.getenv("SMTP_HOST", ""),
        smtp_password=os.getenv("SMTP_PASSWORD", ""),
        token_minutes=int(os.environ.get("BOOKSHOP_TOKEN_MINUTES", "60")),
        log_level=os.environ.get("LOG_LEVEL", "INFO"),
    )
