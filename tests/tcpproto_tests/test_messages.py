"""The envelope of every frame: what is read, what is refused, and that nothing else is raised."""

import json
import uuid
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tcpproto.errors import LocalProtocolError, RemoteProtocolError
from tcpproto.messages import (
    ID_LEN_MAX,
    NESTING_MAX,
    SEQ_MAX,
    TAG_LEN_MAX,
    TIMESTAMP_MAX,
    Message,
    encode_message,
    encode_payload,
    parse_message,
)
from tests.tcpproto_tests import json_values
from tests.tcpproto_tests.refusals import read_or_refusal

GOOD: dict[str, Any] = {"tag": "log", "message": "text", "timestamp": 1.5}

messages = st.builds(
    Message,
    tag=st.text(st.characters(codec="utf-8"), min_size=1, max_size=TAG_LEN_MAX),
    message=json_values.values,
    timestamp=st.floats(min_value=0, max_value=TIMESTAMP_MAX),
    id=st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=ID_LEN_MAX),
    seq=st.none() | st.integers(min_value=0, max_value=SEQ_MAX),
    reply_to=st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=ID_LEN_MAX),
    expires_at=st.none() | st.floats(min_value=0, max_value=TIMESTAMP_MAX),
)


def parse_json(value: Any) -> Message:
    """Parse what a stranger's JSON library writes for a value."""
    return parse_message(json.dumps(value).encode())


def check_refused(payload: bytes, code: str, words: str | None = None) -> None:
    with pytest.raises(RemoteProtocolError, match=words) as refusal:
        parse_message(payload)
    assert refusal.value.code == code
    # It goes into a `bye`, whose text is at most 1,024 characters.
    assert len(refusal.value.text) < 300


@given(messages)
def test_every_message_is_read_as_it_was_sent(message: Message) -> None:
    assert parse_message(encode_payload(message)) == message


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf{}")
@example(b"")
def test_any_bytes_are_read_or_refused_and_raise_nothing_else(payload: bytes) -> None:
    got = read_or_refusal(lambda: parse_message(payload))
    assert isinstance(got, Message) or got.code in {"not_json", "bad_field", "missing_field"}


@given(json_values.values)
def test_any_json_is_read_or_refused_and_raises_nothing_else(value: Any) -> None:
    got = read_or_refusal(lambda: parse_json(value))
    assert isinstance(got, Message) or got.code in {"bad_field", "missing_field", "nesting"}


@given(st.sampled_from(["tag", "timestamp", "id", "seq", "reply_to", "expires_at"]), st.data())
def test_any_value_in_any_field_is_read_with_its_type_or_refused(
    field: str, data: st.DataObject
) -> None:
    value = data.draw(json_values.values)
    message = read_or_refusal(lambda: parse_json(GOOD | {field: value}))
    if isinstance(message, RemoteProtocolError):
        assert message.code in {"bad_field", "nesting"}
        return
    got = getattr(message, field)
    allowed = {"tag": str, "timestamp": float, "seq": int, "expires_at": float}.get(field, str)
    assert type(got) is allowed or (value is None and got is None and field not in GOOD)


@pytest.mark.parametrize("field", ["tag", "message", "timestamp"])
def test_a_missing_field_is_named(field: str) -> None:
    without = {name: value for name, value in GOOD.items() if name != field}
    check_refused(json.dumps(without).encode(), "missing_field", field)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "nan", "1e999", "01", "0x1"])
@pytest.mark.parametrize("field", ["timestamp", "message", "seq"])
def test_numbers_that_json_does_not_have_are_refused(literal: str, field: str) -> None:
    payload = json.dumps(GOOD | {field: "HERE"}).replace('"HERE"', literal).encode()
    check_refused(payload, "not_json")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timestamp", True),
        ("timestamp", "1750000000"),
        ("timestamp", None),
        ("timestamp", -1),
        ("timestamp", 1_750_000_000_000_000),
        ("timestamp", 10**30),
        ("timestamp", [1]),
        ("expires_at", True),
        ("expires_at", -0.001),
        ("seq", True),
        ("seq", False),
        ("seq", 1.0),
        ("seq", -1),
        ("seq", 2**53),
        ("seq", 10**30),
        ("seq", "1"),
        ("id", ""),
        ("id", 7),
        ("id", "x" * 129),
        ("reply_to", {}),
        ("tag", ""),
        ("tag", "x" * 33),
        ("tag", None),
        ("tag", 1),
        ("tag", ["log"]),
    ],
)
def test_a_field_of_a_wrong_type_or_size_is_refused_by_name(field: str, value: Any) -> None:
    check_refused(json.dumps(GOOD | {field: value}).encode(), "bad_field", f"^{field}: found")


@pytest.mark.parametrize("value", [[], "text", 1, 1.5, True, None])
def test_a_frame_that_is_no_object_is_refused(value: Any) -> None:
    check_refused(json.dumps(value).encode(), "bad_field", "^frame: found .*allowed an object")


@pytest.mark.parametrize("timestamp", [0, 1, 1.0, 1_750_000_000, 1_750_000_000.123456, int(1e11)])
def test_times_are_whole_or_fractional_seconds(timestamp: float) -> None:
    got = parse_json(GOOD | {"timestamp": timestamp}).timestamp
    assert (got, type(got)) == (timestamp, float)


def test_null_counts_as_absent_for_optional_fields() -> None:
    optional = {"id": None, "seq": None, "reply_to": None, "expires_at": None}
    assert parse_json(GOOD | optional) == parse_json(GOOD)


def test_unknown_fields_are_ignored() -> None:
    assert parse_json(GOOD | {"version": 2, "x": {"y": []}}) == parse_json(GOOD)


def test_of_a_repeated_field_the_last_one_counts() -> None:
    payload = b'{"tag":"log","tag":"event","message":1,"message":2,"timestamp":1,"timestamp":2}'
    assert parse_message(payload) == Message("event", 2, 2.0)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("depth", [NESTING_MAX + 1, 500, 10_000, 100_000])
def test_deep_nesting_is_refused(opening: str, closing: str, depth: int) -> None:
    body = opening * depth + "1" + closing * depth
    payload = f'{{"tag":"log","message":{body},"timestamp":1}}'.encode()
    with pytest.raises(RemoteProtocolError) as refusal:
        parse_message(payload)
    assert refusal.value.code in {"nesting", "not_json"}


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_up_to_the_limit_is_read(opening: str, closing: str) -> None:
    depth = NESTING_MAX
    body = opening * depth + "1" + closing * depth
    payload = f'{{"tag":"log","message":{body},"timestamp":1}}'.encode()
    assert parse_message(payload).tag == "log"


@pytest.mark.parametrize("depth", [10_000, 1_000_000])
def test_nesting_that_is_never_closed_is_refused(depth: int) -> None:
    check_refused(b'{"tag":"log","timestamp":1,"message":' + b"[" * depth, "not_json")


def test_brackets_in_texts_are_not_nesting() -> None:
    text = "[{" * 10_000
    assert parse_json(GOOD | {"message": text}).message == text


def test_a_broad_message_is_not_a_deep_one() -> None:
    body: list[Any] = [{"a": [1, {}]}] * 10_000
    assert parse_json(GOOD | {"message": body}).message == body


@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x00"]
)
def test_text_that_is_not_utf8_is_refused(bad: bytes) -> None:
    check_refused(b'{"tag":"log","timestamp":1,"message":"' + bad + b'"}', "not_json")


@pytest.mark.parametrize("escape", [r"\ud800", r"\udfff", r"\ud800\ud800", r"\udc00\ud800"])
def test_a_lone_surrogate_in_json_is_refused(escape: str) -> None:
    payload = f'{{"tag":"log","timestamp":1,"message":"{escape}"}}'.encode()
    check_refused(payload, "not_json")


def test_integers_beyond_64_bits_are_read_as_numbers_or_refused_but_never_raise() -> None:
    for digits in (20, 40, 400, 100_000):
        payload = b'{"tag":"log","timestamp":1,"message":' + b"9" * digits + b"}"
        got = read_or_refusal(partial(parse_message, payload))
        if isinstance(got, RemoteProtocolError):
            assert got.code == "not_json"
        else:
            assert isinstance(got.message, float)


def test_the_words_of_a_refusal_show_only_the_beginning_of_a_long_value() -> None:
    check_refused(orjson.dumps(GOOD | {"tag": "secret " * 1_000}), "bad_field")


@given(st.text(st.characters(codec=None), max_size=50), st.text(max_size=5))
def test_any_text_can_be_sent(text: str, key: str) -> None:
    sent = Message("log", {"text": text, key + "\ud800": [text]}, 1.0)
    got = parse_message(encode_payload(sent)).message
    clean = text.encode("utf-8", "replace").decode("utf-8")
    assert got["text"] == clean
    assert len(clean) == len(text)


def test_values_that_json_does_not_have_are_sent_as_text() -> None:
    one = uuid.uuid4()
    sent = Message("log", {"price": Decimal("0.10"), one: one, "pair": ("a", 1)}, 1.0)
    got = parse_message(encode_payload(sent)).message
    assert got == {"price": "0.10", str(one): str(one), "pair": ["a", 1]}


def nested(depth: int) -> Any:
    body: Any = "\ud800"
    for _ in range(depth):
        body = [body]
    return body


@pytest.mark.parametrize("body", [nested(300), nested(5_000), 2**70], ids=["300", "5000", "huge"])
def test_a_value_that_cannot_be_json_is_a_local_error(body: Any) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be sent as JSON"):
        encode_payload(Message("log", body, 1.0))


def test_a_message_above_the_limit_is_a_local_error() -> None:
    with pytest.raises(LocalProtocolError, match="1048576"):
        encode_message(Message("log", "x" * 1_048_577, 1.0))
