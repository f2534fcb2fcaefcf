"""The values that are tried on a column of each type: plain ones, those at its edges, and what is of another type."""

from __future__ import annotations

import ipaddress
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crudspec.entity import moments, texts
from crudspec.entity.moments import Made

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crudspec.entity.types import Kind, Type


@dataclass(frozen=True, slots=True)
class Candidates:
    """Values of a type that nobody has asked the server about.

    Attributes:
        plain: Distinct ones for programs and races, the plainest first.
        edges: Values of the type, each with a name, of which the server says what it makes of them.
        wrong: What no data layer should take for a value of the type; no server is needed to say so.
    """

    plain: tuple[Any, ...]
    edges: Mapping[str, Any]
    wrong: Mapping[str, Any]


def candidates(kind: Type, *, nullable: bool = False) -> Candidates:
    """The values to try on a column.

    Args:
        kind: Its type; there is nothing to try for an unknown one but None.
        nullable: NULL may stand in it: then None is a value like others, else it is a wrong one.
    """
    make = _MAKERS.get(kind.kind)
    plain, edges, wrong = make(kind) if make else ((), {}, {})
    if nullable:
        # Third, where the type has others: whoever needs but two values should have two that are there.
        return Candidates((*plain[:2], None, *plain[2:]), {**edges, "None": None}, wrong)
    # None is a JSON value, too: a data layer may mean that by it.
    return Candidates(tuple(plain), edges, wrong if kind.kind == "json" else {"None": None, **wrong})


def _bools(_kind: Type) -> Made:
    return (False, True), {"False": False, "True": True}, {"1": 1, "0": 0, "text": "false", "empty text": ""}


def _ints(kind: Type) -> Made:
    most = 2 ** (kind.bits - 1) - 1
    edges = {"0": 0, "one": 1, "negative": -1, f"largest int{kind.bits}": most, f"smallest int{kind.bits}": -most - 1}
    if kind.bits == 64:
        edges["over 2**53"] = 2**53 + 1
    edges |= {f"over int{kind.bits}": most + 1, f"under int{kind.bits}": -most - 2, "far over int64": 2**200}
    return (1, 2, 0), edges, {"text": "one", "empty text": "", "float": 1.5, "bytes": b"1", "list": [1]}


def _numerics(kind: Type) -> Made:
    edges = {"0": Decimal(0), "one": Decimal(1), "negative": Decimal(-1), "a tenth": Decimal("0.1")}
    if kind.precision is None or kind.scale is None:
        edges |= {
            "many digits": Decimal("12345678901234567890.12345678901234567890"),
            "very small": Decimal("1E-50"),
            "very large": Decimal("1E+50"),
        }
    else:
        unit = Decimal((0, (1,), -kind.scale))
        largest = Decimal((0, (9,) * kind.precision, -kind.scale))
        edges |= {
            "one unit in the last place": unit,
            "largest": largest,
            "smallest": largest.copy_negate(),
            "a digit too many before the point": Decimal((0, (1,), kind.precision - kind.scale)),
            "a digit too many behind the point": Decimal((0, (1, 5), -kind.scale - 1)),
        }
    edges["not a number"] = Decimal("NaN")
    wrong = {"a word": "one", "empty text": "", "bytes": b"1", "list": [1]}
    plain = (Decimal(1), Decimal(2), Decimal(0))
    if kind.precision is not None and kind.precision <= (kind.scale or 0):  # nothing but what is below one
        plain = (unit, unit * 2, Decimal(0))
    return plain, edges, wrong


def _floats(kind: Type) -> Made:
    edges = {"0": 0.0, "one": 1.0, "negative": -1.0, "a half": 0.5, "a tenth": 0.1, "infinite": float("inf")}
    edges |= {"minus infinite": float("-inf"), "over 2**24": float(2**24 + 1)}
    if kind.bits == 64:
        edges |= {"over 2**53": float(2**53 + 2), "very small": 1e-300}
    edges["very large"] = 1e300
    # No nan: it is not equal to itself. No -0.0: it is equal to 0.0, and nobody could tell.
    return (1.0, 2.0, 0.0), edges, {"a word": "one", "empty text": "", "bytes": b"1", "list": [1.0]}


def _texts(kind: Type) -> Made:
    return ("a", "b", ""), dict(texts.edges(kind.length)), texts.WRONG


def _uuids(_kind: Type) -> Made:
    plain = tuple(uuid.uuid5(uuid.NAMESPACE_OID, name) for name in "abc")
    edges = {"plain": plain[0], "nil": uuid.UUID(int=0), "largest": uuid.UUID(int=2**128 - 1)}
    return plain, edges, {"text": "no uuid", "empty text": "", "int": 1, "list": ["a"]}


def _bytes(_kind: Type) -> Made:
    edges = {
        "plain": b"milk",
        "empty": b"",
        "NUL": b"a\0b",
        "every byte": bytes(range(256)),
        "no UTF-8": b"\xff\xfe",
        "backslashes": rb"\x41\\",
        "10,000 bytes": b"x" * texts.LONG,
    }
    return (b"a", b"b", b""), edges, {"text": "milk", "int": 1, "list": [b"a"]}


def _json(kind: Type) -> Made:
    edges = {
        "plain": {"a": 1},
        "empty object": {},
        "empty array": [],
        "nested": {"a": {"b": [1, [2, {"c": None}]]}},
        "null inside": {"a": None, "b": [None]},
        "true and 1": [True, 1, False, 0],
        "text": "a",
        "text that is JSON": '{"a": 1}',
        "empty text": "",
        "number": 1,
        "false": False,
        "big int": {"n": 2**70},
        "floats": [0.5, 0.1, -1.25],
        "text inside": {"text": 'it\'s "quoted" \\ \n é \N{GRINNING FACE}'},
        "odd names": {"": 1, "a b": 2, 'quo"ted': 3, "$dollar": 4, "per%cent": 5, "é": 6},
        "NUL inside": {"a": "\0"},
    }
    if kind.sql == "json":  # jsonb has an order of its own
        edges["names out of order"] = {"b": 1, "a": 2}
    # A float that is none is no JSON; json.dumps writes it all the same.
    return ({"a": 1}, {"b": [2]}, {}), edges, {"a set": {1}, "an object": object(), "NaN": float("nan")}


def _enums(kind: Type) -> Made:
    edges: dict[str, Any] = {label: label for label in kind.labels}
    other = [label.swapcase() for label in kind.labels if label.swapcase() not in kind.labels]
    wrong = {"other case": other[0]} if other else {}
    unknown = "no such label"
    return kind.labels, edges, wrong | {"unknown label": unknown, "int": 0, "list": [kind.labels[0]]}


def _addresses(kind: Type) -> Made:
    wrong = {"text": "no address", "empty text": "", "list": ["10.0.0.1"]}
    if kind.sql == "cidr":
        networks = {"v4": "10.0.0.0/8", "v6": "2001:db8::/32", "one address": "10.0.0.1/32", "everything": "0.0.0.0/0"}
        made: dict[str, Any] = {name: ipaddress.ip_network(text) for name, text in networks.items()}
        return tuple(made.values())[:3], made, wrong
    plain = tuple(ipaddress.ip_address(text) for text in ("10.0.0.1", "10.0.0.2", "2001:db8::1"))
    edges = {"v4": plain[0], "v6": plain[2], "v4 in v6": ipaddress.ip_address("::ffff:10.0.0.1")}
    edges |= {"with a network": ipaddress.ip_interface("10.0.0.1/24"), "nowhere": ipaddress.ip_address("0.0.0.0")}  # noqa: S104
    return plain, edges, wrong


def _arrays(kind: Type) -> Made:
    assert kind.item is not None
    inner = candidates(kind.item)
    a, b, *_ = (*inner.plain, *inner.plain)
    edges: dict[str, Any] = {"empty": [], "one": [a], "several": [b, a, b], "None inside": [a, None]}
    for name, item in inner.edges.items():
        # What a careless hand puts together as text is what goes wrong in an array; lengths are the item's own matter.
        if kind.item.kind != "text" or (name in _IN_AN_ARRAY and len(item) <= (kind.item.length or len(item))):
            edges[f"{name} inside"] = [item]
    if kind.item.kind == "text" and not kind.item.length:
        edges["commas and braces inside"] = ["a,b", "{c}", '"d"', "\\", "null"]
    wrong: dict[str, Any] = {"text": "a", "int": 1, "an object": {"a": 1}}
    for name, item in inner.wrong.items():
        if name in ("text", "a word", "int", "1"):
            wrong[f"{name} inside"] = [item]
    return ([a], [b, a], []), edges, wrong


_IN_AN_ARRAY = frozenset({
    "empty", "one blank", "quotes", "backslash", "trailing backslash", "newlines", "braces", "NULL as text", "NUL",
    "emoji outside the BMP",
})  # fmt: skip

_MAKERS: Mapping[Kind, Callable[[Type], Made]] = {
    "bool": _bools,
    "int": _ints,
    "numeric": _numerics,
    "float": _floats,
    "text": _texts,
    "uuid": _uuids,
    "date": lambda _: moments.dates(),
    "time": lambda _: moments.times(),
    "timestamp": lambda _: moments.timestamps(),
    "timestamptz": lambda _: moments.instants(),
    "interval": lambda _: moments.intervals(),
    "bytes": _bytes,
    "json": _json,
    "enum": _enums,
    "inet": _addresses,
    "array": _arrays,
}
