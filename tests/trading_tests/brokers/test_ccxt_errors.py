"""The table of ccxt's errors, held against ccxt's own tree of classes."""

from typing import Any

import ccxt  # type: ignore[import-untyped]
import pytest

from daemonkit.secrets import Secret
from trading.brokers.exchanges import errors
from trading.brokers.exchanges.errors import answer_of_cancel, answer_of_submit, failure_of
from trading.brokers.venue import CancelAnswer, FailureKind, Refused, Unclear, VenueError

CLASSES = [
    value
    for value in vars(ccxt).values()
    if isinstance(value, type) and issubclass(value, ccxt.BaseError)
]
UNCLEAR = {
    *("BaseError", "ExchangeError", "OperationFailed", "NetworkError", "ExchangeNotAvailable"),
    *("OnMaintenance", "RequestTimeout", "BadResponse", "NullResponse", "CancelPending"),
    *("DuplicateOrderId",),
}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_order_is_refused_by_the_classes_of_the_list_only(kind: Any) -> None:
    answer = answer_of_submit(kind("kraken said no"))
    is_definite = any(each.__name__ in errors.DEFINITE for each in kind.__mro__)
    if kind.__name__ in UNCLEAR or not is_definite:
        assert isinstance(answer, Unclear)
    else:
        assert isinstance(answer, Refused)


def test_the_classes_that_leave_it_open_are_still_there() -> None:
    assert {kind.__name__ for kind in CLASSES} >= UNCLEAR
    assert {kind.__name__ for kind in CLASSES} >= errors.DEFINITE


@pytest.mark.parametrize("error", [TypeError("x"), ValueError("x"), KeyError("x"), OSError("x")])
def test_an_error_that_is_not_of_ccxt_leaves_it_open(error: Exception) -> None:
    assert isinstance(answer_of_submit(error), Unclear)
    assert answer_of_cancel(error) is CancelAnswer.UNCLEAR
    assert failure_of(error).kind is FailureKind.BAD_ANSWER


@pytest.mark.parametrize("text", ["Duplicate order sent.", "clientOrderId already exists"])
def test_a_refusal_that_speaks_of_a_duplicate_leaves_it_open(text: str) -> None:
    assert isinstance(answer_of_submit(ccxt.InvalidOrder(text)), Unclear)


def test_an_older_error_that_is_being_handled_does_not_count() -> None:
    class NewConnectionError(Exception):
        pass

    error = ccxt.NetworkError("reset while reading")
    error.__context__ = NewConnectionError("an older one, which is handled around the call")
    assert isinstance(answer_of_submit(error), Unclear)
    error.__cause__ = NewConnectionError("the reason of this one")
    assert isinstance(answer_of_submit(error), Refused)


def test_a_reason_has_the_words_of_the_exchange_and_no_secret_and_no_signature() -> None:
    secret = Secret("a-secret-that-was-planted")
    text = 'binance {"code":-2010,"msg":"bad a-secret-that-was-planted\\nline"}'
    answer = answer_of_submit(ccxt.InsufficientFunds(text))
    assert answer.reason == "insufficient funds: bad [secret] line"
    url = "binance GET https://api.test/order?symbol=X&signature=abc0123456789 502 Bad"
    answer = answer_of_submit(ccxt.ExchangeNotAvailable(url))
    assert answer.reason == "not available: /order 502 Bad"
    assert secret


def test_a_reason_is_bounded() -> None:
    assert len(answer_of_submit(ccxt.ExchangeError("x" * 10_000)).reason) <= 200


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ccxt.RateLimitExceeded("x"), FailureKind.BUSY),
        (ccxt.DDoSProtection("x"), FailureKind.BUSY),
        (ccxt.InvalidNonce("x"), FailureKind.BUSY),
        (ccxt.OnMaintenance("x"), FailureKind.MAINTENANCE),
        (ccxt.PermissionDenied("x"), FailureKind.KEY),
        (ccxt.RequestTimeout("x"), FailureKind.UNREACHABLE),
        (ccxt.ExchangeNotAvailable("x"), FailureKind.UNREACHABLE),
        (ccxt.NullResponse("x"), FailureKind.BAD_ANSWER),
        (ccxt.ExchangeError("x"), FailureKind.BAD_ANSWER),
        (ccxt.BadSymbol("x"), FailureKind.REFUSED),
        (VenueError("x", FailureKind.KEY), FailureKind.KEY),
    ],
)
def test_a_failed_read_is_told_by_its_kind(error: Exception, kind: FailureKind) -> None:
    assert failure_of(error).kind is kind
