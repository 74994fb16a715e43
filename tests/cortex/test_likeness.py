"""Statements that oppose each other, and statements that only look like it."""

from __future__ import annotations

import pytest

from drift_mcp.cortex.likeness import Statement, opposition, says_the_same

OPPOSED = [
    ("Always retry payment calls on a timeout.", "Never retry payment calls on a timeout."),
    ("Retry payments after a timeout.", "Do not retry payments after a timeout: the bank books twice."),
    ("The request timeout is 30 seconds.", "The request timeout is 60 seconds."),
    ("We support Python 3.9 and later.", "We support Python 3.12 and later."),
    ("Migrations run before the deploy.", "Migrations run after the deploy."),
    ("The audit log is enabled in production.", "The audit log is disabled in production."),
    ("Use Decimal for money, not float.", "Use float for money."),
    ("Store dates as UTC rather than local time.", "Store dates as local time rather than UTC."),
    ("Session tokens must be kept in the database.", "Session tokens must not be kept in the database."),
    ("The cache may be shared between workers.", "The cache is not shared between workers."),
    ("Passwords are hashed with bcrypt at cost 12.", "Passwords are hashed with bcrypt at cost 10."),
    ("The user id is required in every event.", "The user id is optional in every event."),
    ("charge_card is safe to call twice.", "charge_card is unsafe to call twice."),
    ("Handlers are loaded eagerly at startup.", "Handlers are loaded lazily at startup."),
    ("Deploys on Friday are allowed.", "Deploys on Friday are forbidden."),
    (
        "Feature flags are read with a database query. Cache them for a minute.",
        "Never cache feature flags. They change often.",
    ),
    ("Indexes on orders are sorted ascending by date.", "Indexes on orders are sorted descending by date."),
    ("The queue keeps messages for 7 days.", "The queue keeps messages for 14 days."),
    ("Avoid raw SQL in views.", "Use raw SQL in views."),
    ("Webhooks are verified with a signature.", "Webhooks are not verified with a signature."),
]
NOT_OPPOSED = [
    ("Use Decimal for money, not float.", "Use Decimal for money."),
    ("Always retry payment calls on a timeout.", "Payment calls are retried on a timeout."),
    ("Never log card numbers.", "Do not log card numbers."),
    ("The users table is partitioned by month.", "The orders table is not partitioned by month, it is small."),
    ("Retries stop after 3 attempts.", "Retries stop after 3 attempts with 5 seconds between them."),
    ("The test suite takes 10 minutes.", "The build takes 20 minutes."),
    ("Use the read replica for reports.", "Do not use the read replica for checkout."),
    ("The cache is not shared between workers.", "The cache is shared between threads of one worker."),
    ("HTTP 404 means that the order is missing.", "HTTP 403 means that the user lacks a role."),
    ("Never deploy without running the tests.", "Always run the tests when you deploy."),
    ("Charge the card before sending the mail.", "Send the receipt after the charge was booked."),
    ("Orders are archived after 90 days.", "Invoices are archived after 3650 days."),
    ("The importer reads CSV files.", "The exporter does not read CSV files."),
    ("Prefer composition instead of inheritance.", "Prefer composition in services."),
    ("Migrations must be reversible.", "Migrations are not run by the web process."),
    ("Tokens expire after one hour.", "Expired tokens are never refreshed silently."),
    ("Do not edit generated files.", "Generated files live in build and are made by make."),
    ("The API returns ISO dates.", "The API never returns null dates."),
    ("Use feature flags for risky changes.", "Flags that are 90 days old are removed."),
    ("The scheduler runs in one process only.", "The scheduler has no tests."),
]
# Named, so that a change for the better or worse is seen: what is known not to be told apart.
NOT_SEEN = {"Never cache feature flags. They change often."}
SEEN_WRONGLY = {"The cache is shared between threads of one worker."}


@pytest.mark.parametrize(("one", "other"), OPPOSED)
def test_statements_that_oppose_each_other(one: str, other: str) -> None:
    for pair in ((one, other), (other, one)):
        assert (opposition(Statement(pair[0]), Statement(pair[1])) is None) == (other in NOT_SEEN)
    if other not in NOT_SEEN:
        assert not says_the_same(Statement(one), Statement(other))


@pytest.mark.parametrize(("one", "other"), NOT_OPPOSED)
def test_statements_that_do_not_oppose_each_other(one: str, other: str) -> None:
    for pair in ((one, other), (other, one)):
        assert (opposition(Statement(pair[0]), Statement(pair[1])) is not None) == (other in SEEN_WRONGLY)


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("Always lock the row.", "Never lock the row.", "one affirms what the other denies"),
        ("The limit is 10 rows.", "The limit is 20 rows.", "one says 10, the other 20"),
        ("Check rights before the query.", "Check rights after the query.", "one says before, the other after"),
        ("Use Decimal for money, not float.", "Use float for money.", "one says not float, the other just that"),
    ],
)
def test_the_reason_says_what_to_look_at(one: str, other: str, why: str) -> None:
    assert opposition(Statement(one), Statement(other)) == why


@pytest.mark.parametrize("text", ["", "...", "not", "日本語 テキスト", "a" * 100_000, "!?" * 5_000, "1 2 3"])
def test_any_text_can_be_compared(text: str) -> None:
    assert opposition(Statement(text), Statement(text)) is None
