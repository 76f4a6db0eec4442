"""docs/protocol: schemas and golden files say what tcpproto reads and writes."""

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tcpproto.errors import RemoteProtocolError
from tcpproto.greetings import Bye, Challenge, Hello, Proof, Welcome
from tcpproto.messages import (
    SEQ_MAX,
    TAGS_BOTH,
    TAGS_DOWN,
    TAGS_UP,
    Message,
    encode_payload,
    parse_message,
)
from tcpproto.payloads import (
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
)
from tcpproto.vocabulary import VOCABULARY, Place, legacy_text

FOLDER = Path(__file__).parents[2] / "docs" / "protocol"
TAGS = sorted(TAGS_UP | TAGS_DOWN | TAGS_BOTH)
GOLDEN = sorted((FOLDER / "golden").glob("*.json"))


class Payload(Protocol):
    """Be a typed payload of some tag."""

    def to_message(self, timestamp: float) -> Message: ...


@cache
def validator(tag: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / "schemas" / f"{tag}.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)


def load(path: Path) -> dict[str, Any]:
    frame: dict[str, Any] = orjson.loads(path.read_bytes())
    return frame


def parse(frame: dict[str, Any]) -> Payload | Message:
    """Read a frame as its receiver does; ping, pong and three-field commands stay messages."""
    message = parse_message(orjson.dumps(frame))
    greetings: dict[str, type[Hello | Challenge | Proof]] = {"challenge": Challenge, "proof": Proof}
    by_tag: dict[str, Callable[[Message], Payload]] = {
        "welcome": Welcome.parse,
        "ack": Ack.parse,
        "bye": Bye.parse,
        "command": Command.parse,
        "reply": Reply.parse,
        "event": Event.parse,
        "log": Log.parse,
        "status": Status.parse,
        "message": Text.parse,
    }
    if message.tag == "hello":
        kind = message.message.get("kind") if isinstance(message.message, dict) else None
        return greetings.get(str(kind), Hello).parse(message)
    if message.tag in {"ping", "pong"} or (
        message.tag == "command" and isinstance(message.message, str)
    ):
        return message
    return by_tag[message.tag](message)


def encode(read: Payload | Message, timestamp: float) -> Any:
    message = read if isinstance(read, Message) else read.to_message(timestamp)
    return orjson.loads(encode_payload(message))


def test_every_tag_has_a_schema_and_a_golden_file_and_nothing_else_has() -> None:
    schemas = sorted(path.stem for path in (FOLDER / "schemas").iterdir())
    assert schemas == TAGS
    assert sorted({path.stem.partition("-")[0] for path in GOLDEN}) == TAGS
    for path in GOLDEN:
        assert load(path)["tag"] == path.stem.partition("-")[0]


@pytest.mark.parametrize("tag", TAGS)
def test_schema_is_valid_and_says_which_tag_it_is_for(tag: str) -> None:
    schema = validator(tag).schema
    Draft202012Validator.check_schema(schema)
    assert isinstance(schema, dict)
    assert schema["properties"]["tag"] == {"const": tag}
    assert schema["title"] == tag


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_file_is_valid_and_read_and_written_back_the_same(path: Path) -> None:
    frame = load(path)
    validator(frame["tag"]).validate(frame)
    assert encode(parse(frame), frame["timestamp"]) == frame


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_fields_of_a_newer_minor_version_are_ignored(path: Path) -> None:
    frame = load(path)
    newer = copy.deepcopy(frame)
    newer["priority"] = {"new": [1, 2]}
    if isinstance(newer["message"], dict):
        newer["message"]["hue"] = {"new": None}
    validator(frame["tag"]).validate(newer)
    old, new = parse(frame), parse(newer)
    if isinstance(old, Message) and isinstance(new, Message):
        old, new = old._replace(message=None), new._replace(message=None)
    assert new == old


WRONG_VALUES: list[Any] = [
    None, True, 0, -1, 7, 0.5, 2**53, 10**13, "", "x", "paper", "A" * 200, "9" * 2000, [], ["x"],
    [1], {}, {"text": "x"}, {"kind": "hello"},
]  # fmt: skip


def mutations(frame: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give copies of a frame with one field gone or wrong, in the frame and in its message."""
    for level in ((), ("message",)):
        target = frame["message"] if level else frame
        for key in target if isinstance(target, dict) else ():
            for value in ("gone", *WRONG_VALUES):
                mutated = copy.deepcopy(frame)
                place = mutated["message"] if level else mutated
                place[key] = value
                if value == "gone":
                    del place[key]
                yield mutated


def refusal_of(frame: dict[str, Any]) -> str:
    """Return why a frame is refused, or nothing; any other error is a failed test."""
    try:
        parse(frame)
    except RemoteProtocolError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_whatever_a_schema_allows_is_read_and_nothing_else_breaks(path: Path) -> None:
    tag = load(path)["tag"]
    for frame in mutations(load(path)):
        refusal = refusal_of(frame) if frame.get("tag", tag) == tag else "another tag"
        assert not (refusal and validator(tag).is_valid(frame)), (frame, refusal)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_schema_refuses_a_frame_without_one_of_its_three_fields(path: Path) -> None:
    for field in ("tag", "message", "timestamp"):
        frame = load(path)
        tag = frame["tag"]
        del frame[field]
        assert not validator(tag).is_valid(frame)


TIMES = st.floats(0, 1e11)
SEQS = st.integers(0, SEQ_MAX)
BOTS = st.from_regex("[a-z0-9_-]{1,32}", fullmatch=True).filter(lambda name: name != "telegram")
FIELDS = st.dictionaries(
    st.text(max_size=8),
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.lists(SEQS),
    max_size=4,
)


def words(most: int) -> st.SearchStrategy[str]:
    return st.text(min_size=1, max_size=min(most, 40)) | st.just("x" * most)


PAYLOADS: st.SearchStrategy[Payload] = st.one_of(
    st.builds(
        Hello,
        bot=BOTS,
        instance=words(128),
        epoch=words(128),
        last_seq=SEQS,
        software=st.text(max_size=128),
        nonce=st.none() | words(128),
    ),
    st.builds(Challenge, nonce=words(128), proof=words(128)),
    st.builds(Proof, proof=words(128)),
    st.builds(Welcome, last_seq=SEQS, software=st.text(max_size=128)),
    st.builds(Ack, epoch=words(128), seq=SEQS),
    st.builds(Bye, words(32), st.text(max_size=64), st.none() | TIMES),
    st.builds(
        Command,
        id=words(128),
        verb=words(32),
        args=st.lists(st.text(max_size=20), max_size=32).map(tuple),
        author=words(128),
        role=st.sampled_from(sorted(ROLES)),
        chat=words(128),
        issued_at=TIMES,
        expires_at=TIMES,
        account=st.text(max_size=32),
        confirmed=st.booleans(),
    ),
    st.builds(
        Reply,
        reply_to=words(128),
        state=st.sampled_from(ReplyState),
        text=st.text(),
        fields=FIELDS,
        repeat=st.booleans(),
    ),
    st.builds(
        Event,
        epoch=words(128),
        seq=SEQS,
        kind=words(64),
        severity=st.sampled_from(sorted(SEVERITIES)),
        text=st.text(),
        at=TIMES,
        fields=FIELDS,
    ),
    st.builds(Log, words(16), st.text(max_size=64), TIMES, st.text()),
    st.builds(Status, words(64), st.text(), FIELDS),
    st.builds(Text, st.text()),
)


@given(PAYLOADS, TIMES)
def test_whatever_is_written_fits_its_schema_and_is_read_back(
    payload: Payload, timestamp: float
) -> None:
    frame = encode(payload, timestamp)
    validator(frame["tag"]).validate(frame)
    assert parse(frame) == payload


@pytest.mark.parametrize("name", sorted(VOCABULARY))
def test_every_command_of_the_vocabulary_fits_the_schema(name: str) -> None:
    verb = VOCABULARY[name]
    args = tuple(verb.examples[0].split()[1:]) if verb.examples else ()
    command = Command("c1", name, args, "tg:1", verb.role, "tg:1", 1.0, 31.0)
    frame = encode(command, 1.0)
    validator("command").validate(frame)
    assert parse(frame) == command


@pytest.mark.parametrize(
    "name", sorted(name for name, verb in VOCABULARY.items() if verb.place is Place.ENGINE)
)
def test_every_command_to_a_three_field_peer_fits_the_schema(name: str) -> None:
    for args in ((), ("ALL",), ("BTC/USDT",), ("BTC/USDT:USDT",)):
        text = legacy_text(name, args)
        if text is not None:
            validator("command").validate(encode(Message("command", text, 1.0), 1.0))


def test_text_for_the_chat_may_be_an_object_with_a_text() -> None:
    frame = {"tag": "message", "message": {"text": "hello"}, "timestamp": 1}
    validator("message").validate(frame)
    assert parse(frame) == Text("hello")


@pytest.mark.parametrize(
    ("tag", "len_max"),
    [
        ("event", TEXT_LEN_MAX),
        ("reply", TEXT_LEN_MAX),
        ("status", TEXT_LEN_MAX),
        ("log", LINE_LEN_MAX),
    ],
)
def test_schema_and_code_allow_texts_of_the_same_length(tag: str, len_max: int) -> None:
    frame = load(FOLDER / "golden" / f"{tag}.json")
    for length, is_allowed in ((len_max, True), (len_max + 1, False)):
        frame["message"]["text"] = "x" * length
        assert validator(tag).is_valid(frame) is is_allowed
        assert (not refusal_of(frame)) is is_allowed
