"""What an error of ccxt means: whether an order was definitely refused, and how a read failed.

Tables over the names of ccxt's error classes, so that nothing here imports it. The rule for orders
is an allow-list: what is not on it leaves open whether the venue acted.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from daemonkit.printable import one_line
from daemonkit.secrets import redact
from trading.brokers.venue import CancelAnswer, FailureKind, Refused, Unclear, VenueError

_REASON_LENGTH_MAX: Final = 200

# With these the order definitely did not come into being. Everything else may have acted: a
# timeout, a dropped connection, a page of a proxy, an answer cut short, an error of ccxt itself.
DEFINITE: Final = frozenset(
    {
        *("InsufficientFunds", "InvalidOrder", "BadRequest", "AuthenticationError"),
        *("RateLimitExceeded", "DDoSProtection", "InvalidNonce", "NotSupported"),
        *("ArgumentsRequired", "OperationRejected"),
    }
)
# These stand below a definite one and say that the order exists.
_EXISTS: Final = frozenset({"DuplicateOrderId"})
_EXISTS_TEXT: Final = re.compile(r"duplicate|already ?exist", re.IGNORECASE)
# The same order may be sent again a little later.
PASSING: Final = frozenset({"RateLimitExceeded", "DDoSProtection", "InvalidNonce"})
# Maintenance is one class for "we took nothing" and for a gateway that is down; only a market
# that says its mode has definitely refused the order.
_MARKET_MODE_TEXT: Final = re.compile(r"Market in \w+ mode", re.IGNORECASE)
# The connection never came about, so nothing was sent.
_NEVER_CONNECTED: Final = frozenset(
    {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ConnectTimeout"}
)

_KINDS: Final = (
    ("RateLimitExceeded", FailureKind.BUSY),
    ("DDoSProtection", FailureKind.BUSY),
    ("InvalidNonce", FailureKind.BUSY),
    ("OnMaintenance", FailureKind.MAINTENANCE),
    ("AuthenticationError", FailureKind.KEY),
    ("NetworkError", FailureKind.UNREACHABLE),
    ("BadResponse", FailureKind.BAD_ANSWER),
    ("InvalidOrder", FailureKind.REFUSED),
    ("BadRequest", FailureKind.REFUSED),
    ("NotSupported", FailureKind.REFUSED),
    ("ArgumentsRequired", FailureKind.REFUSED),
    ("OperationRejected", FailureKind.REFUSED),
    ("InsufficientFunds", FailureKind.REFUSED),
    ("OperationFailed", FailureKind.UNREACHABLE),
)

_WORDS: Final = (
    ("RequestTimeout", "no answer in time"),
    ("RateLimitExceeded", "rate limit"),
    ("DDoSProtection", "rate limit"),
    ("InvalidNonce", "nonce or time refused"),
    ("InsufficientFunds", "insufficient funds"),
    ("PermissionDenied", "the key may not do this"),
    ("AuthenticationError", "key refused"),
    ("OnMaintenance", "maintenance"),
    ("ExchangeNotAvailable", "not available"),
    ("DuplicateOrderId", "an order with this id exists"),
    ("InvalidOrder", "order refused"),
    ("BadSymbol", "unknown market"),
    ("BadRequest", "request refused"),
    ("OperationRejected", "request refused"),
    ("NetworkError", "connection lost"),
)
_SAID_KEYS: Final = ("error_details", "message", "msg", "error_description", "error", "errors")
# How ccxt names a request: exchange, method and address. The path is what says something, and the
# query may hold a signature.
_REQUEST: Final = re.compile(
    r"(?:\w+ (?:GET|POST|PUT|PATCH|DELETE) )?https?://[^\s/?]+([^\s?]*)(?:\?\S*)?"
)

_RATE_LIMITS: Final = frozenset({"RateLimitExceeded", "DDoSProtection"})
# Binance bans an address for up to three days; what is longer is no answer.
_WAIT_S_MAX: Final = 7 * 86_400

_NOT_OPEN: Final = frozenset({"OrderNotFound"})
_NOT_OPEN_TEXT: Final = re.compile(r"unknown order|order not found|does not exist", re.IGNORECASE)


def answer_of_submit(error: Exception, retry_after_s: float | None = None) -> Refused | Unclear:
    """Return what an error of sending an order means for the order."""
    names = _names(error)
    reason = reason_of(error)
    if names & _EXISTS or _EXISTS_TEXT.search(str(error)):
        return Unclear(reason)
    if was_never_connected(error):
        return Refused(f"not connected: {reason}", is_passing=True)
    if names & PASSING:
        return Refused(reason, is_passing=True, retry_after_s=retry_after_s)
    if "OnMaintenance" in names and _MARKET_MODE_TEXT.search(str(error)):
        return Refused(reason, is_passing=True)
    if names & DEFINITE:
        return Refused(reason)
    return Unclear(reason)


def answer_of_cancel(error: Exception) -> CancelAnswer:
    """Return what an error of a cancel says; what became of the order is looked up anyway."""
    names = _names(error)
    if "CancelPending" in names:
        return CancelAnswer.ASKED
    # A text alone is not enough: a proxy's page says "not found" as well.
    is_definite = bool(names & DEFINITE)
    if names & _NOT_OPEN or (is_definite and _NOT_OPEN_TEXT.search(str(error))):
        return CancelAnswer.NOT_OPEN
    return CancelAnswer.UNCLEAR


def failure_of(error: Exception, retry_after_s: float | None = None) -> VenueError:
    """Return a failed read as the one error that reads raise."""
    if isinstance(error, VenueError):
        return error
    names = _names(error)
    kind = next((kind for name, kind in _KINDS if name in names), FailureKind.BAD_ANSWER)
    return VenueError(reason_of(error), kind, retry_after_s=retry_after_s)


def is_no_change(error: BaseException) -> bool:
    """Tell whether the venue says that a setting is as it is wanted already."""
    return "NoChange" in _names(error)


def is_not_found(error: BaseException) -> bool:
    """Tell whether the venue itself says that it knows no such order."""
    return "OrderNotFound" in _names(error)


def is_rate_limit(error: BaseException) -> bool:
    """Tell whether the venue refused because too much was asked."""
    return not _names(error).isdisjoint(_RATE_LIMITS)


def was_never_connected(error: BaseException) -> bool:
    """Tell whether the request was never sent, as no connection came about."""
    return any(_names(each) & _NEVER_CONNECTED for each in _causes(error))


def reason_of(error: Exception) -> str:
    """Return an error in one line for people, without secrets and signatures."""
    names = _names(error)
    if "BaseError" not in names:
        return _shown(f"unreadable answer ({type(error).__name__}: {error})")
    words = next((words for name, words in _WORDS if name in names), "exchange error")
    said = _said(str(error))
    return _shown(f"{words}: {said}" if said else words)


def retry_after(headers: Any) -> float | None:
    """Return the seconds that the venue's last answer asks to wait, if it asks."""
    if not isinstance(headers, Mapping):
        return None
    # aiohttp leaves the names as they are sent.
    value = headers.get("Retry-After") or headers.get("retry-after")
    try:
        seconds = float(value) if value is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds <= _WAIT_S_MAX else None


def _names(error: BaseException) -> set[str]:
    return {each.__name__ for each in type(error).__mro__}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what stands behind it, also where urllib3 wraps it in an argument."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        # Not __context__: that may be an older error, which is being handled around this call.
        inner = (each.__cause__, getattr(each, "reason", None), *each.args)
        waiting.extend(one for one in inner if isinstance(one, BaseException))


def _said(text: str) -> str:
    """Return the venue's own words from the text of an error, or the text without signatures."""
    start = text.find("{")
    if start >= 0:
        try:
            said = _words_in(json.loads(text[start:]))
        except ValueError:
            said = ""
        if said:
            return said
    return _REQUEST.sub(r"\1", text).strip()


def _words_in(answer: Any) -> str:
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list):
        return ", ".join(word for word in map(_words_in, answer) if word)
    if isinstance(answer, dict):
        inner = answer.get("error_response")
        found = _words_in(inner) if inner else ""
        return found or next(
            (word for key in _SAID_KEYS if (word := _words_in(answer.get(key)))), ""
        )
    return ""


def _shown(text: str) -> str:
    return one_line(redact(text), _REASON_LENGTH_MAX)
