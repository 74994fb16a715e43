"""Mail to customers."""

import logging
import smtplib
from email.message import EmailMessage

from bookshop.config import get_settings
from bookshop.models import Order, User

logger = logging.getLogger(__name__)

SENDER = "orders@bookshop.example"


def order_confirmed(user: User, order: Order) -> None:
    send_mail(user.email, f"Your order {order.id}", f"Thank you, {user.full_name}. We received {order.total} €.")


def order_cancelled(user: User, order: Order) -> None:
    send_mail(user.email, f"Your order {order.id}", "It was not paid within a day, so we cancelled it.")


def send_mail(recipient: str, subject: str, body: str) -> None:
    settings = get_settings()
    if not settings.smtp_host:
        print(f"mail to {recipient}: {subject}")
        return
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, recipient, subject
    message.set_content(body)
    with smtplib.SMTP(settings.smtp_host, 587) as smtp:
        smtp.starttls()
        smtp.login(SENDER, settings.smtp_password)
        smtp.send_message(message)
    logger.info("sent %r", subject)
