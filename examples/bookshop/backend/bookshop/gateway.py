"""The payment provider's HTTP interface."""

import logging
from dataclasses import dataclass
from decimal import Decimal

import httpx

from bookshop.errors import PaymentDeclined

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Charge:
    reference: str
    card_last4: str


class PaymentGateway:
    def __init__(self, url: str, api_key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def charge(self, card_token: str, amount: Decimal) -> Charge:
        """Takes the money, once. The provider has no idempotency key, so a call is never repeated."""
        body = self._post("/charges", {"source": card_token, "amount": str(amount)})
        return Charge(reference=body["id"], card_last4=body["card"]["last4"])

    def refund(self, reference: str) -> None:
        self._post("/refunds", {"charge": reference})

    def _post(self, path: str, body: dict[str, str]) -> dict:
        try:
            response = httpx.post(self._url + path, json=body, headers=self._headers, timeout=10)
        except httpx.HTTPError as error:
            logger.error("payment provider unreachable: %s", error)
            raise PaymentDeclined("The payment provider did not answer") from error
        if response.status_code != 200:
            raise PaymentDeclined(f"The payment provider answered {response.status_code}")
        return response.json()
