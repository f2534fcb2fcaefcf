"""A stored row as a plain value: a tuple with the table's columns, comparable, and fit for a set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import Self

Key = tuple[Any, ...]
"""The values of a row's key columns: one, or several where the key is composite."""


class _Unread:
    """Stands in a row for a value that is not known, or that a backend does not deliver. It is equal to any other."""

    def __repr__(self) -> str:
        return "?"


UNREAD: Any = _Unread()


class Row(tuple[Any, ...]):
    """The values of one stored row. Each table has a subclass of its own: :func:`row_type`.

    Values inside are frozen, so that a set can hold rows with ``jsonb`` and arrays in them.
    """

    __slots__ = ()

    columns: ClassVar[tuple[str, ...]] = ()
    key_columns: ClassVar[tuple[str, ...]] = ()
    places: ClassVar[Mapping[str, int]] = {}
    key_places: ClassVar[tuple[int, ...]] = ()

    def __new__(cls, values: Iterable[Any] = (), /, **named: Any) -> Self:
        """Take the values in the order of the columns, or each by its column's name."""
        if named:
            values = (named[name] for name in cls.columns)
        return super().__new__(cls, (frozen(value) for value in values))

    @property
    def key(self) -> Key:
        """The values of the key columns, for ``get(*row.key)``."""
        return tuple(tuple.__getitem__(self, place) for place in self.key_places)

    def __getitem__(self, name: Any) -> Any:
        """The value of a column, by the column's name."""
        return tuple.__getitem__(self, self.places[name])

    def but(self, values: Mapping[str, Any]) -> Self:
        """The row with other values, where it has any."""
        return type(self)(
            values[name] if name in values and mine is not UNREAD else mine
            for name, mine in zip(self.columns, self, strict=True)
        )

    def without(self, columns: Collection[str]) -> Self:
        """The row, some values of which are not known."""
        return self.but(dict.fromkeys(columns, UNREAD)) if columns else self

    def given(self) -> dict[str, Any]:
        """The values by column, as plain lists and dicts: what a caller would pass."""
        return {name: thawed(value) for name, value in zip(self.columns, self, strict=True)}

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in zip(self.columns, self, strict=True))
        return f"Row({values})"


def row_type(columns: Iterable[str], key: Iterable[str]) -> type[Row]:
    """Make the class of a table's rows."""
    columns, key = tuple(columns), tuple(key)
    places = {name: place for place, name in enumerate(columns)}
    members = {
        "__slots__": (),
        "columns": columns,
        "key_columns": key,
        "places": places,
        "key_places": tuple(places[name] for name in key),
    }
    return type("Row", (Row,), members)


class _List(tuple[Any, ...]):
    """A list that does not change; it is shown as the list that it was."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"[{', '.join(map(repr, self))}]"


class _Dict(dict[str, Any]):
    """A dict that nobody changes; it is shown as the dict that it was."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def frozen(value: Any) -> Any:
    """A value that can stand in a set; lists and dicts inside are shown as what they were."""
    if type(value) is list:
        return _List(map(frozen, value))
    if type(value) is dict:
        return _Dict((name, frozen(part)) for name, part in value.items())
    return value


def thawed(value: Any) -> Any:
    """A frozen value as the lists and dicts that it was made of."""
    if type(value) is _List:
        return [thawed(part) for part in value]
    if type(value) is _Dict:
        return {name: thawed(part) for name, part in value.items()}
    return value


def matches(one: object, other: object) -> bool:
    """Equal and of one type, ``1`` not being ``True``; rows by the values that both have, lists item by item."""
    if one is UNREAD or other is UNREAD:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(matches, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(matches(value, other[name]) for name, value in one.items())
    return one == other
