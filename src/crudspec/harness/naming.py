"""What an error is called: whose class it is, and which of the contract's kinds. Only ERROR-* ask that."""

from __future__ import annotations

from crudspec.contract.causes import LEAK
from crudspec.contract.failures import ContractBroken
from crudspec.contract.ownership import is_leak
from crudspec.truth.shown import shown_error

DUPLICATE, MISSING = "Duplicate", "MissingReference"
INVALID, UNAVAILABLE, NEITHER = "InvalidValue", "Unavailable", "neither InvalidValue nor Unavailable"


def kind_of(error: BaseException) -> str:
    """Which kind of the contract's errors it is, by the builtins that do as well."""
    if isinstance(error, ValueError | TypeError):
        return INVALID
    return UNAVAILABLE if isinstance(error, ConnectionError | TimeoutError) else NEITHER


def check_own(what: str, error: BaseException, backend: type, expected: str = "") -> None:
    """Fail if the error's class is a third party's.

    Args:
        what: The call that raised it.
        error: What it raised.
        backend: The backend's class, which says what is its own.
        expected: What the contract asks for instead.

    Raises:
        ContractBroken: it is.
    """
    if is_leak(error, backend):
        raise ContractBroken(
            what,
            expected=expected or "an exception of the data layer's own",
            seen=f"raised {shown_error(error)}, a third party's",
            cause=LEAK,
        ) from error


_BUILTINS: dict[str, tuple[type[BaseException], ...]] = {DUPLICATE: (ValueError,), MISSING: (LookupError,)}


def check_refused(what: str, error: BaseException, backend: type, expected: str) -> None:
    """Fail unless the error is of the data layer's own, and says why a value that is valid in itself was refused.

    Raises:
        ContractBroken: it is not.
    """
    check_own(what, error, backend, expected)
    if not isinstance(error, _BUILTINS[expected]):
        raise ContractBroken(what, expected=expected, seen=f"raised {shown_error(error)}") from error


def check_named(what: str, error: BaseException, backend: type, expected: str) -> None:
    """Fail unless the error is of the data layer's own and of the kind that the contract asks for.

    Raises:
        ContractBroken: it is not.
    """
    check_own(what, error, backend, expected)
    if kind_of(error) != expected:
        raise ContractBroken(what, expected=expected, seen=f"raised {shown_error(error)}") from error
