"""Databases with the tables that people have, as for the tests of what is read from them."""

from tests.entity.conftest import made

__all__ = ["made"]
