"""What Binance spot answers when it refuses: status, code and wording, to the letter."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(eq=False)
class BinanceRefusalError(Exception):
    """Carry an error of the API: the HTTP status, its own code and its text."""

    status: int
    code: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.code} {self.text}"

    def to_json(self) -> dict[str, object]:
        """Return the body as the API writes it."""
        return {"code": self.code, "msg": self.text}


def _bad(code: int, text: str) -> BinanceRefusalError:
    return BinanceRefusalError(400, code, text)


def missing(name: str) -> BinanceRefusalError:
    """Refuse a request without a parameter it needs."""
    return _bad(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def illegal(name: str, legal: str) -> BinanceRefusalError:
    """Refuse a parameter with characters it may not have."""
    return _bad(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def unread(read: int, sent: int) -> BinanceRefusalError:
    """Refuse a request with parameters that the endpoint does not know."""
    return _bad(
        -1104,
        f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.",
    )


def not_required(name: str) -> BinanceRefusalError:
    """Refuse a known parameter that this kind of order has not."""
    return _bad(-1106, f"Parameter '{name}' sent when not required.")


def too_precise(name: str) -> BinanceRefusalError:
    """Refuse a number with more digits than the asset has."""
    return _bad(-1111, f"Parameter '{name}' has too much precision.")


def filter_failure(name: str) -> BinanceRefusalError:
    """Refuse an order that a filter of its market does not let through."""
    return _bad(-1013, f"Filter failure: {name}")


def rejected(text: str) -> BinanceRefusalError:
    """Refuse an order that is well-formed."""
    return _bad(-2010, text)


def unknown_order_to_cancel() -> BinanceRefusalError:
    """Refuse a cancel of what is not open."""
    return _bad(-2011, "Unknown order sent.")


def no_such_order() -> BinanceRefusalError:
    """Refuse a query for an order that was never there."""
    return _bad(-2013, "Order does not exist.")


def invalid_symbol() -> BinanceRefusalError:
    """Refuse a market that there is not."""
    return _bad(-1121, "Invalid symbol.")


def invalid_side() -> BinanceRefusalError:
    """Refuse a side that there is not."""
    return _bad(-1117, "Invalid side.")


def invalid_type() -> BinanceRefusalError:
    """Refuse an order type that there is not."""
    return _bad(-1116, "Invalid orderType.")


def invalid_time_in_force() -> BinanceRefusalError:
    """Refuse a time in force that there is not."""
    return _bad(-1115, "Invalid timeInForce.")


def invalid_interval() -> BinanceRefusalError:
    """Refuse a length of candle that there is not."""
    return _bad(-1120, "Invalid interval.")


def invalid_combination() -> BinanceRefusalError:
    """Refuse optional parameters that exclude each other."""
    return _bad(-1128, "Combination of optional parameters invalid.")


def window_too_long() -> BinanceRefusalError:
    """Refuse a range of more than a day where the API reads one day at a time."""
    return _bad(-1127, "More than 24 hours between startTime and endTime.")


def moves_window_too_long() -> BinanceRefusalError:
    """Refuse a range of more than three months of deposits or withdrawals."""
    return _bad(-4047, "time interval must be within 0-90 days")


def bad_key_format() -> BinanceRefusalError:
    """Refuse a key that cannot be one."""
    return BinanceRefusalError(401, -2014, "API-key format invalid.")


def bad_key() -> BinanceRefusalError:
    """Refuse a key that is not known, or not allowed to do this."""
    return BinanceRefusalError(401, -2015, "Invalid API-key, IP, or permissions for action.")


def bad_signature() -> BinanceRefusalError:
    """Refuse a request whose signature does not fit."""
    return _bad(-1022, "Signature for this request is not valid.")


def timestamp_late() -> BinanceRefusalError:
    """Refuse a request that took longer than it allowed itself."""
    return _bad(-1021, "Timestamp for this request is outside of the recvWindow.")


def timestamp_ahead() -> BinanceRefusalError:
    """Refuse a request from the future."""
    return _bad(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def window_too_large() -> BinanceRefusalError:
    """Refuse a receive window of more than a minute."""
    return _bad(-1131, "recvWindow must be less than 60000")


def too_many_requests(retry_after_s: int = 1) -> BinanceRefusalError:
    """Refuse a caller that has used up its weight for this minute."""
    return BinanceRefusalError(
        429,
        -1003,
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        {"Retry-After": str(retry_after_s)},
    )


def banned(until_ms: int, retry_after_s: int) -> BinanceRefusalError:
    """Refuse a caller that went on after 429."""
    return BinanceRefusalError(
        418,
        -1003,
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        {"Retry-After": str(retry_after_s)},
    )


def too_many_orders() -> BinanceRefusalError:
    """Refuse an order too many within ten seconds; for how long is not said."""
    return BinanceRefusalError(
        429, -1015, "Too many new orders; current limit is 100 orders per 10 SECOND."
    )


def internal_error() -> BinanceRefusalError:
    """Answer that something broke; whether the request was carried out is unknown."""
    return BinanceRefusalError(
        500, -1001, "Internal error; unable to process your request. Please try again."
    )


def backend_timeout() -> BinanceRefusalError:
    """Answer that the matching engine did not answer in time: the order may be live."""
    return BinanceRefusalError(
        504,
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; "
        "execution status unknown.",
    )


def overloaded() -> BinanceRefusalError:
    """Answer that the exchange takes nothing at the moment; nothing was done."""
    return BinanceRefusalError(
        503,
        -1008,
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
    )


def maintenance() -> BinanceRefusalError:
    """Answer that the exchange is being worked on; nothing was done."""
    return BinanceRefusalError(503, 1, "System is under maintenance.")
