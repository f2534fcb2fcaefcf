"""The days, times and spans of time that are tried on a column."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

Made = tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]
"""Plain values, those at the edges by name, and what is of another type by name."""


def dates() -> Made:
    edges = {
        "plain": date(2024, 1, 31),
        "leap day": date(2024, 2, 29),
        "before 1970": date(1969, 12, 31),
        # Not the first and the last day that Python knows: asyncpg takes those for the infinities.
        "far past": date(2, 1, 1),
        "far future": date(9998, 12, 31),
    }
    wrong = {"text": "tomorrow", "empty text": "", "int": 1, "list": [2024, 1, 1]}
    return (date(2024, 1, 31), date(2024, 2, 29), date(1999, 12, 31)), edges, wrong


def times() -> Made:
    edges = {
        "plain": time(12, 30),
        "midnight": time(0),
        "microseconds": time(1, 2, 3, 456789),
        "last": time(23, 59, 59, 999999),
    }
    return (time(12, 30), time(8), time(0)), edges, {"text": "noon", "empty text": "", "int": 1, "list": [12, 30]}


def timestamps() -> Made:
    plain = (datetime(2024, 1, 31, 12, 30), datetime(2024, 2, 29), datetime(1999, 12, 31, 23, 59, 59))  # noqa: DTZ001
    edges = {
        "plain": plain[0],
        "microseconds": datetime(2024, 1, 2, 3, 4, 5, 678901),  # noqa: DTZ001
        "an hour that summer time skips": datetime(2024, 3, 31, 2, 30),  # noqa: DTZ001
        "before 1970": datetime(1969, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001
        "far past": datetime(2, 1, 1),  # noqa: DTZ001
        "far future": datetime(9998, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001
    }
    return plain, edges, {"text": "tomorrow", "empty text": "", "int": 1, "list": [2024, 1, 1]}


def instants() -> Made:
    plain, edges, wrong = timestamps()
    edges = {name: value.replace(tzinfo=UTC) for name, value in edges.items() if "summer" not in name}
    edges |= {
        "another time zone": datetime(2024, 1, 2, 3, 4, tzinfo=_zone(5.75)),
        "west of Greenwich": datetime(2024, 1, 2, 23, 4, tzinfo=_zone(-11)),
        "an hour that is there twice, first": datetime(2024, 10, 27, 2, 30, tzinfo=_zone(2)),
        "an hour that is there twice, second": datetime(2024, 10, 27, 2, 30, tzinfo=_zone(1)),
    }
    return tuple(value.replace(tzinfo=UTC) for value in plain), edges, wrong | {"date": date(2024, 1, 31)}


def _zone(hours: float) -> timezone:
    return timezone(timedelta(hours=hours))


def intervals() -> Made:
    plain = (timedelta(hours=1), timedelta(days=2), timedelta(0))
    edges = {
        "plain": plain[0],
        "0": timedelta(0),
        "negative": timedelta(seconds=-1),
        "microsecond": timedelta(microseconds=1),
        "days and seconds": timedelta(days=400, seconds=86_399, microseconds=999_999),
        "25 hours": timedelta(hours=25),
    }
    return plain, edges, {"text": "soon", "empty text": "", "int": 1, "list": [1]}
