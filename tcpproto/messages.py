"""Messages: the JSON object that every frame holds, checked once.

`Message` is the envelope; what its `message` field holds for each tag is in `payloads`.
Parsing raises RemoteProtocolError and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from tcpproto.errors import LocalProtocolError, RemoteProtocolError
from tcpproto.frames import FRAME_LEN_MAX, encode_frame, pack_length

PROTOCOL_VERSION: Final = "1.0"
NESTING_MAX: Final = 32
TAG_LEN_MAX: Final = 32
ID_LEN_MAX: Final = 128
SEQ_MAX: Final = 2**53 - 1
# The year 5138 in seconds: above it a timestamp is milliseconds sent by mistake.
TIMESTAMP_MAX: Final = 1e11

TAGS_UP: Final = frozenset({"message", "log", "event", "reply", "status"})
TAGS_DOWN: Final = frozenset({"command"})
TAGS_BOTH: Final = frozenset({"hello", "welcome", "ack", "ping", "pong", "bye"})

T = TypeVar("T")

_TYPE_NAMES: Final = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


# Bound once: these two run for every frame.
_dumps = orjson.dumps
_loads = orjson.loads
new_tuple = tuple.__new__  # a named tuple's own constructor takes twice as long


class Message(NamedTuple):
    """Hold one frame's fields; `timestamp` and `expires_at` are seconds since the epoch."""

    tag: str
    message: Any
    timestamp: float
    id: str | None = None
    seq: int | None = None
    reply_to: str | None = None
    expires_at: float | None = None


def encode_message(message: Message, frame_len_max: int = FRAME_LEN_MAX) -> bytes:
    """Turn a message into a frame; LocalProtocolError if JSON or the limit forbids it."""
    payload = encode_payload(message)
    length = len(payload)
    # The usual frame in place, since this runs for every one.
    return (
        pack_length(length) + payload
        if length <= frame_len_max
        else encode_frame(payload, frame_len_max)
    )


def encode_payload(message: Message) -> bytes:
    """Turn a message into the JSON bytes of a frame, without the length."""
    tag, body, timestamp, id_, seq, reply_to, expires_at = message
    wire = {"tag": tag, "message": body, "timestamp": timestamp}
    if id_ is not None:
        wire["id"] = id_
    if seq is not None:
        wire["seq"] = seq
    if reply_to is not None:
        wire["reply_to"] = reply_to
    if expires_at is not None:
        wire["expires_at"] = expires_at
    try:
        return _dumps(wire)
    except TypeError:
        return _encode_unusual(wire)


def _encode_unusual(wire: dict[str, Any]) -> bytes:
    """Encode what orjson refused at first: lone surrogates (log lines), Decimal, UUID keys."""
    try:
        plain = _without_surrogates(wire)
        return orjson.dumps(plain, default=str, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, RecursionError) as error:
        raise LocalProtocolError("not_json", f"cannot be sent as JSON: {error}") from None


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(item) for item in value]
    return value


def parse_message(payload: bytes) -> Message:
    """Turn the bytes of a frame into a checked message, or raise RemoteProtocolError."""
    try:
        wire = _loads(payload)
    except orjson.JSONDecodeError as error:
        raise RemoteProtocolError("not_json", f"a frame that is not JSON: {error}") from None
    if type(wire) is not dict:
        raise _wrong("frame", wire, "an object")
    try:
        tag, body, timestamp = wire["tag"], wire["message"], wire["timestamp"]
    except KeyError as error:
        raise RemoteProtocolError(
            "missing_field", f"a frame without the field {error.args[0]!r}"
        ) from None
    if type(tag) is not str or not 0 < len(tag) <= TAG_LEN_MAX:
        raise _wrong("tag", tag, f"a string of 1 to {TAG_LEN_MAX} characters")
    if type(timestamp) is not float or not 0 <= timestamp <= TIMESTAMP_MAX:
        timestamp = check_time("timestamp", timestamp)
    # Counting brackets is cheap and never too low: only a suspect is walked.
    if type(body) is not str and payload.count(b"{") + payload.count(b"[") > NESTING_MAX:
        _check_nesting(body)
    if len(wire) == 3:
        return new_tuple(Message, (tag, body, timestamp, None, None, None, None))
    get = wire.get
    id_, seq, reply_to, expires_at = get("id"), get("seq"), get("reply_to"), get("expires_at")
    # Checked in place, since this runs for every frame; the functions say what is wrong.
    if id_ is not None and (type(id_) is not str or not 0 < len(id_) <= ID_LEN_MAX):
        check_text("id", id_, ID_LEN_MAX)
    if seq is not None and (type(seq) is not int or not 0 <= seq <= SEQ_MAX):
        check_seq("seq", seq)
    if reply_to is not None and (type(reply_to) is not str or not 0 < len(reply_to) <= ID_LEN_MAX):
        check_text("reply_to", reply_to, ID_LEN_MAX)
    if expires_at is not None and (
        type(expires_at) is not float or not 0 <= expires_at <= TIMESTAMP_MAX
    ):
        expires_at = check_time("expires_at", expires_at)
    return new_tuple(Message, (tag, body, timestamp, id_, seq, reply_to, expires_at))


def check_time(field: str, value: Any) -> float:
    """Return a time field in seconds since the epoch, or raise RemoteProtocolError."""
    if type(value) not in (int, float) or not 0 <= value <= TIMESTAMP_MAX:
        raise _wrong(field, value, "seconds since the epoch")
    return float(value)


def check_text(field: str, value: Any, len_max: int, *, empty_allowed: bool = False) -> str:
    """Return a string field, or raise RemoteProtocolError."""
    if type(value) is not str or len(value) > len_max or not (value or empty_allowed):
        raise _wrong(field, value, f"a string of up to {len_max} characters")
    return value


def check_seq(field: str, value: Any) -> int:
    """Return a sequence number, or raise RemoteProtocolError."""
    if type(value) is not int or not 0 <= value <= SEQ_MAX:
        raise _wrong(field, value, f"an integer from 0 to {SEQ_MAX}")
    return value


def check_texts(body: dict[str, Any], fields: tuple[tuple[str, int], ...]) -> list[str]:
    """Return several filled string fields, each with its greatest length, or raise.

    One call for all of them: this runs for every command and event.
    """
    texts = []
    for field, len_max in fields:
        value = body.get(field)
        if type(value) is not str or not 0 < len(value) <= len_max:
            raise _wrong(field, value, f"a string of up to {len_max} characters")
        texts.append(value)
    return texts


def check_present(field: str, value: T | None) -> T:
    """Return a field of the envelope, whose type was checked before, or raise if it is absent."""
    if value is None:
        raise _wrong(field, value, "a value in this frame")
    return value


def check_object(field: str, value: Any) -> dict[str, Any]:
    """Return a JSON object, or raise RemoteProtocolError."""
    if type(value) is not dict:
        raise _wrong(field, value, "an object")
    return value


def check_list(field: str, value: Any, len_max: int) -> list[Any]:
    """Return a JSON array, or raise RemoteProtocolError."""
    if type(value) is not list or len(value) > len_max:
        raise _wrong(field, value, f"an array of up to {len_max}")
    return value


def check_choice(field: str, value: Any, allowed: frozenset[str]) -> str:
    """Return one of the allowed words, or raise RemoteProtocolError."""
    if type(value) is not str or value not in allowed:
        raise _wrong(field, value, "one of " + ", ".join(sorted(allowed)))
    return value


def _check_nesting(body: Any) -> None:
    level = [body] if type(body) in (dict, list) else []
    for _depth in range(NESTING_MAX):
        level = [
            child
            for value in level
            for child in (value.values() if type(value) is dict else value)
            if type(child) in (dict, list)
        ]
        if not level:
            return
    raise RemoteProtocolError("nesting", f"a frame nested deeper than {NESTING_MAX}")


def _wrong(field: str, value: Any, allowed: str) -> RemoteProtocolError:
    found = _TYPE_NAMES.get(type(value), type(value).__name__)
    if type(value) in (str, int, float, bool):
        shown = repr(value)
        found = shown if len(shown) <= 60 else f"{shown[:60]}… ({found})"
    return RemoteProtocolError("bad_field", f"{field}: found {found}, allowed {allowed}")
