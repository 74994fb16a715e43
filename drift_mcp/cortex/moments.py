"""Points in time as this database writes them: UTC text that compares as text.

Reads no clock but in `now`; everything else is told the time, so that a test can say when something happened.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drift_mcp.errors import DriftError

# Later than any stamp: "as of" this moment is what is believed now.
END_OF_TIME = "9999-12-31T23:59:59.999Z"


def now() -> str:
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.sssZ`."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z".rjust(24, "0")


def read(stamp: str) -> datetime:
    """The moment that a stamp of ours stands for."""
    return datetime.fromisoformat(stamp)


def asked(text: str, argument: str) -> str:
    """A time that somebody typed: ISO 8601, a date alone or with a time; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return written(moment)
    except (ValueError, OverflowError) as problem:
        raise DriftError(
            f"'{argument}' is {text[:40]!r}, which is no time. "
            "Give ISO 8601, such as 2026-03-01 or 2026-03-01T14:30:00Z."
        ) from problem


def just_after(stamp: str) -> str:
    return written(read(stamp) + timedelta(milliseconds=1))


def days_between(earlier: str, later: str) -> float:
    """Never negative: a clock that was set back makes nothing younger than new."""
    return max(0.0, (read(later) - read(earlier)).total_seconds() / 86_400)
