"""Which clause and which backend a test of pytest's belongs to. Imports nothing but pytest, as the plugin needs it."""

from __future__ import annotations

import re

import pytest

from crudspec.contract.clauses import BY_ID


def clause_of(item: pytest.Item | pytest.Function) -> str | None:
    """The clause that a test belongs to, if it is a check of the suite."""
    marker = item.get_closest_marker("crudspec_clause")
    return marker.args[0] if marker else None


def split_id(nodeid: str) -> tuple[str, str] | None:
    """Backend and clause of a check of the suite, from its node id; None for any other test."""
    match = re.search(r"\[(.+)-([A-Z]+-[0-9]+)\]$", nodeid)
    return (match[1], match[2]) if match and match[2] in BY_ID else None


def in_words_of_the_command(text: str) -> str:
    """The text with the options' names as the command ``crudspec`` has them."""
    return text.replace("--crud-", "--")
