"""What the `message` of each tag holds: round trips, wrong shapes, encoders that tell no lies."""

import math
from typing import Any, Protocol, Self

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tcpproto.errors import LocalProtocolError, RemoteProtocolError
from tcpproto.frames import FRAME_LEN_MAX
from tcpproto.greetings import Bye, Challenge, Hello, Proof, Welcome, is_bot_name
from tcpproto.messages import (
    ID_LEN_MAX,
    SEQ_MAX,
    TIMESTAMP_MAX,
    Message,
    encode_message,
    encode_payload,
    parse_message,
)
from tcpproto.payloads import (
    ACCOUNT_LEN_MAX,
    ARGUMENTS_MAX,
    LINE_LEN_MAX,
    ROLES,
    SEVERITIES,
    TEXT_LEN_MAX,
    Ack,
    Command,
    Event,
    Log,
    Reply,
    ReplyState,
    Status,
    Text,
    encode_event,
)
from tests.tcpproto_tests import json_values
from tests.tcpproto_tests.refusals import read_or_refusal


class Payload(Protocol):
    """Be a typed payload."""

    def to_message(self, timestamp: float) -> Message: ...

    @classmethod
    def parse(cls, message: Message) -> Self: ...


def text_of(len_max: int, len_min: int = 1) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8"), min_size=len_min, max_size=len_max)


times = st.floats(min_value=0, max_value=TIMESTAMP_MAX)
ids = text_of(ID_LEN_MAX)
seqs = st.integers(min_value=0, max_value=SEQ_MAX)
fields = json_values.objects

payloads: dict[str, st.SearchStrategy[Payload]] = {
    "hello": st.builds(
        Hello,
        bot=text_of(32),
        instance=ids,
        epoch=ids,
        last_seq=seqs,
        software=text_of(128, 0),
        nonce=st.none() | text_of(128),
        version=text_of(16),
    ),
    "challenge": st.builds(Challenge, nonce=text_of(128), proof=text_of(128)),
    "proof": st.builds(Proof, proof=text_of(128)),
    "welcome": st.builds(Welcome, last_seq=seqs, software=text_of(128, 0), version=text_of(16)),
    "bye": st.builds(Bye, code=text_of(32), text=text_of(200, 0), retry_after_s=st.none() | times),
    "ack": st.builds(Ack, epoch=ids, seq=seqs),
    "command": st.builds(
        Command,
        id=ids,
        verb=text_of(32),
        args=st.lists(text_of(50, 0), max_size=ARGUMENTS_MAX).map(tuple),
        author=text_of(128),
        role=st.sampled_from(sorted(ROLES)),
        chat=text_of(128),
        issued_at=times,
        expires_at=times,
        account=text_of(ACCOUNT_LEN_MAX, 0),
        confirmed=st.booleans(),
    ),
    "reply": st.builds(
        Reply,
        reply_to=ids,
        state=st.sampled_from(ReplyState),
        text=text_of(200, 0),
        fields=fields,
        repeat=st.booleans(),
    ),
    "event": st.builds(
        Event,
        epoch=ids,
        seq=seqs,
        kind=text_of(64),
        severity=st.sampled_from(sorted(SEVERITIES)),
        text=text_of(200, 0),
        at=times,
        fields=fields,
    ),
    "log": st.builds(
        Log, level=text_of(16), logger=text_of(256, 0), at=times, text=text_of(200, 0)
    ),
    "status": st.builds(Status, kind=text_of(64), text=text_of(200, 0), fields=fields),
    "message": st.builds(Text, text=text_of(200, 0)),
}

EXAMPLES: dict[str, Payload] = {
    "hello": Hello("paper", "i", "e", 3, "tradebridge 1", "n"),
    "challenge": Challenge("nonce", "proof"),
    "proof": Proof("proof"),
    "welcome": Welcome(3, "tradebridge 1"),
    "bye": Bye("stopping", "text", 1.5),
    "ack": Ack("epoch", 3),
    "command": Command("id", "buy", ("BTC/USDT",), "tg:1", "trader", "tg:2", 1.0, 2.0),
    "reply": Reply("id", ReplyState.APPLIED, "text", {"a": 1}, True),
    "event": Event("epoch", 3, "fill", "notice", "text", 1.0, {"a": 1}),
    "log": Log("INFO", "trading", 1.0, "text"),
    "status": Status("engine", "text", {"a": 1}),
    "message": Text("text"),
}


def on_the_wire(payload: Payload) -> Message:
    return parse_message(encode_message(payload.to_message(1_750_000_000.0))[4:])


@given(st.sampled_from(sorted(payloads)).flatmap(lambda name: payloads[name]))
def test_every_payload_is_read_as_it_was_sent(payload: Payload) -> None:
    message = on_the_wire(payload)
    assert type(payload).parse(message) == payload
    assert message.timestamp == 1_750_000_000.0


@given(st.sampled_from(sorted(EXAMPLES)), st.data())
def test_any_value_in_any_field_is_read_or_refused_and_raises_nothing_else(
    name: str, data: st.DataObject
) -> None:
    payload = EXAMPLES[name]
    wire = orjson.loads(encode_payload(payload.to_message(1.0)))
    value = data.draw(json_values.values)
    places = [wire] if name == "message" else [wire, wire["message"]]
    place = data.draw(st.sampled_from(places))
    place[data.draw(st.sampled_from(sorted(place)))] = value
    got = read_or_refusal(lambda: type(payload).parse(parse_message(orjson.dumps(wire))))
    if isinstance(got, RemoteProtocolError):
        assert got.code in {"bad_field", "missing_field", "nesting"}
    else:
        # What was let through can be sent on: every value in it has its type and size.
        assert type(payload).parse(on_the_wire(got)) == got


@given(st.sampled_from(sorted(EXAMPLES)), json_values.values)
def test_any_message_field_is_read_or_refused(name: str, body: Any) -> None:
    message = EXAMPLES[name].to_message(1.0)._replace(message=body)
    got = read_or_refusal(lambda: type(EXAMPLES[name]).parse(message))
    assert not isinstance(got, RemoteProtocolError) or got.code == "bad_field"


OPTIONAL = {
    "hello": {"kind", "software", "nonce"},
    "welcome": {"software"},
    "bye": {"retry_after_s"},
    "command": {"args"},
    "reply": {"kind", "fields", "repeat"},
    "event": {"fields"},
    "status": {"fields"},
}


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - {"message"}))
def test_a_field_that_a_payload_needs_is_named_when_it_is_missing(name: str) -> None:
    payload = EXAMPLES[name]
    message = on_the_wire(payload)
    for field in message.message:
        body = {key: value for key, value in message.message.items() if key != field}
        if field in OPTIONAL.get(name, ()):
            type(payload).parse(message._replace(message=body))
        else:
            with pytest.raises(RemoteProtocolError, match=f"^{field}: found null"):
                type(payload).parse(message._replace(message=body))


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - {"message"}))
def test_fields_of_a_newer_minor_version_are_ignored(name: str) -> None:
    payload = EXAMPLES[name]
    message = on_the_wire(payload)
    newer = message._replace(message=message.message | {"colour": {"deep": [1, 2]}})
    assert type(payload).parse(newer) == payload


@pytest.mark.parametrize(
    ("name", "envelope", "field"),
    [
        ("command", {"id": None}, "id"),
        ("command", {"expires_at": None}, "expires_at"),
        ("reply", {"reply_to": None}, "reply_to"),
        ("event", {"seq": None}, "seq"),
        ("ack", {"seq": None}, "seq"),
    ],
)
def test_what_a_payload_needs_of_the_envelope_is_named_when_it_is_missing(
    name: str, envelope: dict[str, Any], field: str
) -> None:
    message = EXAMPLES[name].to_message(1.0)._replace(**envelope)
    with pytest.raises(RemoteProtocolError, match=field):
        type(EXAMPLES[name]).parse(message)


@pytest.mark.parametrize("size", [ARGUMENTS_MAX + 1, 10_000])
def test_absurdly_many_arguments_are_refused(size: int) -> None:
    message = EXAMPLES["command"].to_message(1.0)
    absurd = message._replace(message=message.message | {"args": ["x"] * size})
    with pytest.raises(RemoteProtocolError, match="args: found an array"):
        Command.parse(absurd)


def test_a_chat_text_may_be_a_text_or_an_object_with_one() -> None:
    assert Text.parse(Message("message", "hi", 1.0)) == Text("hi")
    assert Text.parse(Message("message", {"text": "hi", "more": 1}, 1.0)) == Text("hi")
    for body in (7, None, ["hi"], {"words": "hi"}, {"text": 7}):
        with pytest.raises(RemoteProtocolError):
            Text.parse(Message("message", body, 1.0))


def test_only_accepted_is_not_a_final_outcome() -> None:
    assert [state for state in ReplyState if not state.is_final] == [ReplyState.ACCEPTED]


@given(st.text(max_size=40))
@example("telegram")
@example("all")
@example("paper\n")
@example("PAPER")
@example("пaper")
@example("")
@example("a" * 33)
def test_a_bot_name_has_only_characters_that_are_safe_in_a_path(name: str) -> None:
    safe = 0 < len(name) <= 32 and all(c in "abcdefghijklmnopqrstuvwxyz0123456789_-" for c in name)
    assert is_bot_name(name) == (safe and name not in ("telegram", "all"))


wild_texts = st.one_of(
    st.text(st.characters(codec=None), max_size=80),
    st.sampled_from(["", "x" * (TEXT_LEN_MAX + 1), "é" * 600_000, "\ud800" * 300, "\x00\x1b[2J"]),
)
wild_times = st.floats() | st.sampled_from([math.nan, math.inf, -1.0, 1e12])
deep: Any = []
for _ in range(40):
    deep = [deep]
wild_fields: st.SearchStrategy[dict[Any, Any]] = st.dictionaries(
    wild_texts | st.integers(),
    wild_texts | wild_times | st.integers() | st.just(deep),
    max_size=3,
)
wild_events = st.builds(
    Event,
    epoch=wild_texts,
    seq=st.integers(min_value=-2, max_value=SEQ_MAX + 2),
    kind=wild_texts,
    severity=wild_texts | st.sampled_from(sorted(SEVERITIES)),
    text=wild_texts,
    at=wild_times | times,
    fields=wild_fields,
)


def check_event_is_sent_or_refused_here(event: Event) -> None:
    try:
        body = encode_event(event, 1.0)
    except LocalProtocolError:
        return
    assert len(body) <= FRAME_LEN_MAX
    assert Event.parse(parse_message(body)).seq == event.seq


@given(wild_events)
def test_an_event_that_no_bridge_would_take_never_reaches_the_outbox(event: Event) -> None:
    """One that did would be refused, and sent again after every reconnect, for ever."""
    check_event_is_sent_or_refused_here(event)


GOOD_EVENT: dict[str, Any] = {
    "epoch": "epoch",
    "seq": 1,
    "kind": "fill",
    "severity": "info",
    "text": "text",
    "at": 1.0,
    "fields": {},
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epoch", ""),
        ("seq", -1),
        ("seq", 0),
        ("seq", 2**53),
        ("kind", ""),
        ("kind", "k" * 65),
        ("severity", "fatal"),
        ("text", "é" * TEXT_LEN_MAX),
        ("at", math.nan),
        ("at", -1.0),
        ("at", 1_750_000_000_000.0),
        ("fields", {"a": deep}),
        ("fields", {"a": "x" * FRAME_LEN_MAX}),
        ("fields", {"a": 2**70}),
        ("fields", ["a"]),
    ],
)
def test_a_wrong_event_is_a_local_error(field: str, value: Any) -> None:
    with pytest.raises(LocalProtocolError):
        encode_event(Event(**(GOOD_EVENT | {field: value})), 1.0)


@pytest.mark.parametrize("name", ["event", "reply", "status", "message"])
def test_a_text_that_is_too_long_is_cut_and_arrives(name: str) -> None:
    payload: Any = EXAMPLES[name]
    long = payload._replace(text="x" * (TEXT_LEN_MAX + 1))
    message = on_the_wire(long)
    body = message.message
    assert (body if name == "message" else body["text"]) == "x" * (TEXT_LEN_MAX - 1) + "…"
    type(payload).parse(message)


@given(
    st.builds(
        Log,
        level=st.text(min_size=1, max_size=40),
        logger=st.text(max_size=40) | st.just("l" * 300),
        at=times,
        text=wild_texts | st.just("x" * (LINE_LEN_MAX + 1)),
    )
)
def test_any_log_line_can_be_sent(log: Log) -> None:
    """A line is forwarded as foreign code wrote it; it must not cost the connection."""
    got = Log.parse(on_the_wire(log))
    assert len(got.text) == min(len(log.text), LINE_LEN_MAX)


@given(st.text(max_size=2_000), st.text(min_size=1, max_size=60))
@example("x" * 5_000, "code")
def test_any_goodbye_can_be_sent(text: str, code: str) -> None:
    got = Bye.parse(on_the_wire(Bye(code, text)))
    assert text.encode("utf-8", "replace").decode().startswith(got.text)
