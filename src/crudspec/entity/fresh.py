"""Many distinct values of a type, for columns that must be unique, and texts that match a pattern."""

from __future__ import annotations

import ipaddress
import re
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crudspec.entity.types import Kind, Type

MANY = 10_000
MATCHES = 300

_DIGITS = "abcdefghijklmnopqrstuvwxyz0123456789"


def fresh(kind: Type, count: int = MANY, *, first: int = 1) -> tuple[Any, ...]:
    """Distinct plain values of a type, as many as there are, at most ``count``.

    Args:
        kind: The type.
        count: How many, at most.
        first: The number that the first one is made of.
    """
    if kind.kind == "enum":
        return kind.labels[:count]
    if kind.kind == "bool":
        return (False, True)[:count]
    if kind.kind == "text" and kind.length is not None and kind.length < 6:
        # Letters first: a number in front would be read as one by somebody.
        count = min(count, len(_DIGITS) ** kind.length)
        return tuple(_short(number, kind.length) for number in range(count))
    if kind.kind == "numeric" and kind.precision is not None:
        count = min(count, 10**kind.precision - first)
        places = -(kind.scale or 0) if kind.precision - (kind.scale or 0) < 5 else 0
        return tuple(Decimal(number).scaleb(places) for number in range(first, first + count))
    make = _MAKERS.get(kind.kind)
    return tuple(make(kind, number) for number in range(first, first + count)) if make else ()


def far(kind: Type) -> tuple[Any, ...]:
    """Values that hardly any row has, for a reference to none."""
    if kind.kind == "int":
        return (30_011,) if kind.bits == 16 else (1_000_000_007,)
    return fresh(kind)[-3:]


@cache
def matching(pattern: str, count: int = MATCHES) -> tuple[str, ...]:
    r"""Distinct texts all of which matches a regular expression, the plainest first; the same ones each time.

    Args:
        pattern: A regular expression of Python's; ``\\d`` and ``\\w`` are ASCII, as a server's may be.
        count: How many, at most.
    """
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    found: dict[str, None] = {}
    letters = st.characters(codec="utf-8", exclude_characters="\0")
    texts = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True, alphabet=letters)

    @settings(
        database=None,
        deadline=None,
        derandomize=True,
        max_examples=count // 10,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(texts, min_size=20, max_size=30))  # what an example costs, a text does not
    def draw(drawn: list[str]) -> None:
        found.update(dict.fromkeys(drawn))

    draw()
    plainest = sorted(found, key=lambda text: (not text.isprintable(), not text.isascii(), len(text), text))
    return tuple(plainest[:count])


def _short(number: int, length: int) -> str:
    text = ""
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text


_MAKERS: Mapping[Kind, Callable[[Type, int], Any]] = {
    "int": lambda _, number: number,
    "numeric": lambda _, number: Decimal(number),
    "float": lambda _, number: float(number),
    "text": lambda _, number: f"a{number}",
    "uuid": lambda _, number: uuid.uuid5(uuid.NAMESPACE_OID, str(number)),
    "date": lambda _, number: date(2000, 1, 1) + timedelta(days=number),
    "time": lambda _, number: time(number // 3600 % 24, number // 60 % 60, number % 60),
    "timestamp": lambda _, number: datetime(2000, 1, 1) + timedelta(minutes=number),  # noqa: DTZ001
    "timestamptz": lambda _, number: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
    "interval": lambda _, number: timedelta(minutes=number),
    "bytes": lambda _, number: f"a{number}".encode(),
    "json": lambda _, number: {"a": number},
    "inet": lambda kind, number: (
        ipaddress.ip_network((0x0A000000 + number, 32))
        if kind.sql == "cidr"
        else ipaddress.ip_address(0x0A000000 + number)
    ),
    "array": lambda kind, number: [*fresh(kind.item, 1, first=number)] if kind.item else [],
}
