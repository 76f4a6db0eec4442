"""Greeting: with and without a secret, with forged proofs, other versions and bad names."""

import dataclasses
import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpproto.authentication import CLIENT_ROLE, SERVER_ROLE, is_proof, make_proof
from tcpproto.client_connection import ClientConnection
from tcpproto.connection import Closed, Identified, Noticed, Opened
from tcpproto.greetings import Bye, Challenge, Hello, Proof, Welcome
from tcpproto.messages import Message, encode_message
from tcpproto.payloads import Ack, Log, Text
from tcpproto.states import State
from tcpproto.timing import Limits, read_clock
from tests.tcpproto_tests.connection_pair import HELLO, NONCE, SERVER_NONCE, ConnectionPair
from tests.tcpproto_tests.frames_of import json_frame, read_frames

SECRET = "correct horse battery staple"
WITH_NONCE = dataclasses.replace(HELLO, nonce=NONCE)
LOG = Log("INFO", "trading", 1.0, "line").to_message(1.0)


def pair_with_secret(
    client_secret: str | None = SECRET, server_secret: str | None = SECRET, **options: object
) -> ConnectionPair:
    hello = HELLO if client_secret is None else WITH_NONCE
    options = {"hello": hello} | options
    return ConnectionPair(
        client_secret=client_secret,
        server_secret=server_secret,
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_bot_is_welcomed_and_told_what_is_stored(secret: str | None) -> None:
    pair = pair_with_secret(secret, secret, stored_seq=5).settle()

    assert pair.heard_by_server(Identified) == [Identified(HELLO if secret is None else WITH_NONCE)]
    assert pair.heard_by_client(Opened) == [Opened(Welcome(5, "bridge 1"))]
    assert pair.client.is_open
    assert pair.server.is_open


@given(st.sampled_from([None, SECRET]), st.lists(st.integers(min_value=1, max_value=40)))
def test_the_handshake_works_in_pieces_of_any_size(secret: str | None, pieces: list[int]) -> None:
    pair = pair_with_secret(secret, secret, pieces=pieces).settle()
    pair.send_up(LOG)
    pair.settle()

    assert pair.client.is_open
    assert pair.heard_by_server(Message) == [LOG]


@pytest.mark.parametrize("secret", [None, SECRET])
def test_the_handshake_works_byte_by_byte(secret: str | None) -> None:
    pair = pair_with_secret(secret, secret, pieces=itertools.repeat(1, 4_000)).settle()
    assert pair.client.is_open
    assert pair.server.is_open


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_handshake_cut_after_any_byte_ends_as_cut_on_both_sides(secret: str | None) -> None:
    whole = pair_with_secret(secret, secret).settle()
    for up in range(len(whole.up.history)):
        pair = pair_with_secret(secret, secret)
        pair.deliver_up(up)
        pair.deliver_down()
        pair.deliver_up(up - (len(pair.up.history) - len(pair.up.waiting)))
        pair.cut()
        assert pair.server_closed.code == "cut"
        assert pair.client_closed.code == "cut"
        assert not pair.heard_by_client(Opened)
    for down in range(len(whole.down.history)):
        pair = pair_with_secret(secret, secret)
        while pair.deliver_up() and len(pair.down.history) < len(whole.down.history):
            pair.deliver_down()
        pair.deliver_down(down)
        pair.cut()
        assert not pair.client_closed.is_clean


def test_the_secret_itself_is_never_sent_nor_shown() -> None:
    pair = pair_with_secret().settle()
    assert SECRET.encode() not in pair.up.history + pair.down.history
    for value in (pair, pair.client, pair.server, WITH_NONCE, *pair.client_events):
        assert SECRET not in repr(value)


def test_a_client_with_another_secret_is_refused_by_its_own_check_of_the_server() -> None:
    pair = pair_with_secret(client_secret="wrong").settle()
    assert pair.client_closed == Closed(
        "secret", "the server does not hold this link secret", is_clean=False
    )
    assert pair.server_closed.code == "secret"
    assert not pair.heard_by_server(Identified)


def test_a_client_that_does_not_check_the_server_is_refused_by_the_server() -> None:
    pair = pair_with_secret()
    pair.deliver_up()
    forged = make_proof("wrong", CLIENT_ROLE, WITH_NONCE, SERVER_NONCE)
    pair.up.put(encode_message(Proof(forged).to_message(1.0)))
    pair.deliver_up()

    assert pair.server_closed == Closed("secret", "wrong link secret", is_clean=False)
    (_challenge, bye) = read_frames(bytes(pair.down.history))
    assert (bye["tag"], bye["message"]["text"]) == ("bye", "wrong link secret")


def test_a_client_without_a_secret_is_refused_and_told_what_to_do() -> None:
    pair = pair_with_secret(client_secret=None).settle()
    assert pair.client_closed.is_clean
    assert pair.client_closed.code == "secret"
    assert "link.secret" in pair.client_closed.text
    assert not pair.heard_by_server(Identified)


def test_a_client_with_a_secret_does_not_speak_to_a_server_without_one() -> None:
    pair = pair_with_secret(server_secret=None).settle()
    assert pair.client_closed.code == "secret"
    assert "the server has no link secret" in pair.client_closed.text
    assert not pair.heard_by_client(Opened)


def test_a_proof_is_bound_to_everything_that_was_said() -> None:
    proof = make_proof(SECRET, CLIENT_ROLE, WITH_NONCE, SERVER_NONCE)
    assert is_proof(proof, SECRET, CLIENT_ROLE, WITH_NONCE, SERVER_NONCE)
    others = {
        "nonce": "d" * 64,
        "version": "1.1",
        "bot": "other",
        "instance": "instance-2",
        "epoch": "epoch-2",
        "last_seq": 8,
    }
    for field, value in others.items():
        hello = dataclasses.replace(WITH_NONCE, **{field: value})  # type: ignore[arg-type]
        assert not is_proof(proof, SECRET, CLIENT_ROLE, hello, SERVER_NONCE), field
    assert not is_proof(proof, SECRET, SERVER_ROLE, WITH_NONCE, SERVER_NONCE)
    assert not is_proof(proof, SECRET, CLIENT_ROLE, WITH_NONCE, "6" * 64)
    assert not is_proof(proof, SECRET + " ", CLIENT_ROLE, WITH_NONCE, SERVER_NONCE)


@given(st.text(max_size=130))
def test_no_guessed_proof_is_taken(guess: str) -> None:
    assert not is_proof(guess, SECRET, CLIENT_ROLE, WITH_NONCE, SERVER_NONCE)


@given(
    st.tuples(*[st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)] * 3),
    st.tuples(*[st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)] * 3),
)
def test_moving_characters_between_fields_makes_another_proof(
    one: tuple[str, str, str], two: tuple[str, str, str]
) -> None:
    first, second = (
        make_proof(SECRET, CLIENT_ROLE, Hello(bot, instance, epoch, 1, "", NONCE), SERVER_NONCE)
        for bot, instance, epoch in (one, two)
    )
    assert (first == second) == (one == two)


def test_a_recorded_handshake_replayed_to_the_server_is_refused() -> None:
    recorded = bytes(pair_with_secret().settle().up.history)

    later = pair_with_secret(make_nonce=lambda: "6" * 64)
    later.up.drop()
    later.up.put(recorded)
    later.deliver_up()

    assert later.server_closed.text == "wrong link secret"
    assert not later.heard_by_server(Identified)


def test_a_recorded_handshake_replayed_to_the_client_is_refused() -> None:
    recorded = bytes(pair_with_secret().settle().down.history)

    later = pair_with_secret(hello=dataclasses.replace(HELLO, nonce="d" * 64))
    later.down.put(recorded)
    later.deliver_down()

    assert later.client_closed.code == "secret"
    assert not later.heard_by_client(Opened)


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_a_handshake_in_which_any_byte_is_changed_never_makes_another_bot(mask: int) -> None:
    """The secret covers all of the hello but the timestamp and the name of the software."""
    whole = pair_with_secret().settle()
    welcome_at = whole.down.history.rindex(b'{"tag":"welcome"') - 4
    for wire, length in (("up", len(whole.up.history)), ("down", welcome_at)):
        for at in range(length):
            pair = pair_with_secret()
            change_byte(pair, wire, at, mask)
            for identified in pair.heard_by_server(Identified):
                assert dataclasses.replace(identified.hello, software="") == WITH_NONCE
            assert len(pair.heard_by_server(Closed)) <= 1
            assert len(pair.heard_by_client(Closed)) <= 1


def change_byte(pair: ConnectionPair, wire_name: str, at: int, mask: int) -> None:
    """Let the handshake go on with one byte of a direction changed."""
    wire = getattr(pair, wire_name)
    for _ in range(4):
        carried = len(wire.history) - len(wire.waiting)
        if carried <= at < len(wire.history):
            wire.waiting[at - carried] ^= mask
        pair.deliver_up()
        carried = len(wire.history) - len(wire.waiting)
        if wire_name == "down" and carried <= at < len(wire.history):
            wire.waiting[at - carried] ^= mask
        pair.deliver_down()


def test_the_servers_own_proof_sent_back_is_refused() -> None:
    pair = pair_with_secret()
    pair.deliver_up()
    (challenge,) = read_frames(bytes(pair.down.history))
    pair.up.put(encode_message(Proof(challenge["message"]["proof"]).to_message(1.0)))
    pair.deliver_up()
    assert pair.server_closed.text == "wrong link secret"


def test_the_clients_own_proof_sent_back_as_a_challenge_is_refused() -> None:
    pair = pair_with_secret()
    mirror = make_proof(SECRET, CLIENT_ROLE, WITH_NONCE, NONCE)
    pair.down.put(encode_message(Challenge(NONCE, mirror).to_message(1.0)))
    pair.deliver_down()
    assert pair.client_closed.code == "secret"


@pytest.mark.parametrize(
    "frame",
    [
        json_frame(tag="log", message={}, timestamp=1),
        json_frame(tag="ping", message={}, timestamp=1),
        json_frame(tag="message", message="buy", timestamp=1),
        json_frame(tag="welcome", message={}, timestamp=1),
        encode_message(WITH_NONCE.to_message(1.0)),
        encode_message(Challenge("n", "p").to_message(1.0)),
    ],
)
def test_nothing_but_the_proof_follows_a_challenge(frame: bytes) -> None:
    pair = pair_with_secret()
    pair.deliver_up()
    pair.up.put(frame)
    pair.deliver_up()
    assert pair.server_closed.code in {"handshake", "bad_field"}
    assert not pair.heard_by_server(Message)


@pytest.mark.parametrize("tag", ["log", "event", "message", "command", "ack", "pong"])
def test_a_first_frame_that_is_no_hello_is_refused_where_a_secret_is_asked_for(tag: str) -> None:
    pair = pair_with_secret()
    pair.up.drop()
    pair.up.put(json_frame(tag=tag, message="buy:BTC/USDT", timestamp=1))
    pair.deliver_up()
    assert pair.server_closed.code == "secret"
    assert "asks for a link secret" in pair.server_closed.text
    assert not pair.heard_by_server(Message)


def test_a_welcome_that_skips_the_challenge_is_not_believed() -> None:
    pair = pair_with_secret()
    pair.down.put(encode_message(Welcome(3).to_message(1.0)))
    pair.deliver_down()
    assert pair.client_closed.code == "secret"


def test_a_second_challenge_is_not_answered() -> None:
    pair = pair_with_secret()
    pair.deliver_up()
    pair.down.put(bytes(pair.down.history))
    pair.deliver_down()
    assert pair.client_closed.text == "a challenge that was not asked for"


def test_a_challenge_is_not_answered_without_a_secret() -> None:
    pair = pair_with_secret(client_secret=None)
    pair.down.put(encode_message(Challenge("n", "p").to_message(1.0)))
    pair.deliver_down()
    assert pair.client_closed.text == "a challenge that was not asked for"


@pytest.mark.parametrize(("secret", "nonce"), [(None, NONCE), (SECRET, None)])
def test_a_nonce_goes_with_a_secret_only(secret: str | None, nonce: str | None) -> None:
    pair = ConnectionPair()
    hello = dataclasses.replace(HELLO, nonce=nonce)
    with pytest.raises(ValueError, match="nonce"):
        ClientConnection(hello, secret, Limits(), read_clock(pair.clock))


def with_hello(body: object) -> ConnectionPair:
    pair = ConnectionPair()
    pair.up.drop()
    pair.up.put(json_frame(tag="hello", message=body, timestamp=1))
    pair.deliver_up()
    pair.deliver_down()
    return pair


@pytest.mark.parametrize(
    "body",
    [
        {"version": "2.0"},
        {"version": "2.0", "bot": 7, "who": ["nobody"]},
        {"version": "0.9", "bot": "paper"},
        {"version": "10.0"},
        {"version": "v1"},
        {"version": " 1.0"},
        {"version": "1x"},
    ],
)
def test_another_major_version_is_refused_in_words_whatever_else_its_hello_holds(
    body: object,
) -> None:
    pair = with_hello(body)
    assert pair.server_closed.code == "version"
    assert "only 1.x: run the same version" in pair.server_closed.text
    assert pair.client_closed.text == pair.server_closed.text


@pytest.mark.parametrize("version", ["1.1", "1.99", "1", "1.0.3"])
def test_another_minor_version_works_with_fields_that_are_new(version: str) -> None:
    hello = {"version": version, "bot": "paper", "instance": "i", "epoch": "e", "last_seq": 3}
    pair = with_hello(hello | {"colour": "red", "nested": {"a": [1]}})
    assert pair.server.is_open
    assert pair.heard_by_client(Opened)


@pytest.mark.parametrize("version", ["1.1", "1.99"])
def test_a_newer_welcome_with_fields_that_are_new_is_taken(version: str) -> None:
    pair = ConnectionPair()
    body = {"version": version, "last_seq": 4, "colour": "red"}
    pair.down.put(json_frame(tag="welcome", message=body, timestamp=1))
    pair.deliver_down()
    assert pair.heard_by_client(Opened) == [Opened(Welcome(4, "", version))]


def test_a_welcome_that_claims_more_than_was_given_out_is_not_believed() -> None:
    pair = ConnectionPair(stored_seq=10**12).settle()
    (opened,) = pair.heard_by_client(Opened)
    assert opened.welcome.last_seq == HELLO.last_seq


def test_a_welcome_of_another_major_version_is_refused_in_words() -> None:
    pair = ConnectionPair()
    pair.down.put(json_frame(tag="welcome", message={"version": "2.0"}, timestamp=1))
    pair.deliver_down()
    assert pair.client_closed.code == "version"


@pytest.mark.parametrize(
    "name", ["telegram", "Paper", "a b", "../x", "é", "a/b", "a\n", "paper\x00", "."]
)
def test_a_bad_bot_name_is_refused(name: str) -> None:
    pair = ConnectionPair(hello=dataclasses.replace(HELLO, bot=name)).settle()
    assert pair.server_closed.code == "bot_name"
    assert pair.client_closed.code == "bot_name"


@pytest.mark.parametrize("name", ["", "a" * 33, None, 7, ["paper"]])
def test_a_bot_name_that_is_no_short_text_is_refused(name: object) -> None:
    hello = {"version": "1.0", "bot": name, "instance": "i", "epoch": "e", "last_seq": 3}
    assert with_hello(hello).server_closed.code == "bad_field"


@pytest.mark.parametrize("body", [None, "hello", [], 7, {"version": 1}, {"version": None}, {}])
def test_a_hello_of_a_wrong_shape_is_refused(body: object) -> None:
    assert with_hello(body).server_closed.code == "bad_field"


@pytest.mark.parametrize("tag", ["hello", "welcome", "command"])
def test_a_tag_that_only_the_bridge_may_send_is_refused(tag: str) -> None:
    pair = ConnectionPair().settle()
    pair.up.put(json_frame(tag=tag, message={}, timestamp=1))
    pair.settle()
    assert pair.server_closed.code == "wrong_direction"
    assert tag in pair.client_closed.text


@pytest.mark.parametrize("tag", ["hello", "welcome", "event", "log", "reply", "status", "message"])
def test_a_tag_that_only_a_bot_may_send_is_refused(tag: str) -> None:
    pair = ConnectionPair().settle()
    pair.down.put(json_frame(tag=tag, message={}, timestamp=1))
    pair.settle()
    assert pair.client_closed.code == "wrong_direction"
    assert tag in pair.server_closed.text


def test_an_ack_from_a_bot_has_nothing_to_acknowledge_and_is_ignored() -> None:
    pair = ConnectionPair().settle()
    pair.send_up(Ack("e", 1).to_message(1.0), LOG)
    pair.settle()
    assert pair.heard_by_server(Message) == [LOG]


def test_an_unknown_tag_is_counted_and_ignored() -> None:
    pair = ConnectionPair().settle()
    pair.up.put(json_frame(tag="newer", message=[1], timestamp=1))
    pair.down.put(json_frame(tag="newer", message=[1], timestamp=1))
    pair.send_up(LOG)
    pair.send_down(Ack("e", 1).to_message(1.0))
    pair.settle()
    assert (pair.server.unknown_tags, pair.client.unknown_tags) == (1, 1)
    assert pair.heard_by_server(Message) == [LOG]
    assert pair.heard_by_client(Message) == [Ack("e", 1).to_message(1.0)]


def test_what_was_said_before_a_fault_is_heard() -> None:
    pair = ConnectionPair().settle()
    text = Text("last words").to_message(1.0)
    pair.send_up(text)
    pair.up.put(b"\x00\x00\x00\x01{")
    pair.settle()
    assert pair.heard_by_server(Message) == [text]
    assert pair.server_closed.code == "not_json"


def test_a_conversation_is_not_open_before_the_welcome() -> None:
    pair = ConnectionPair(is_accepting=False).settle()
    assert (pair.server.state, pair.client.state) == (State.GREETED, State.GREETED)
    pair.send_up(LOG)
    pair.settle()
    assert pair.server_closed.code == "handshake"
    assert not pair.heard_by_server(Message)


@pytest.mark.parametrize("secret", [None, SECRET])
def test_no_welcome_in_time_ends_the_conversation(secret: str | None) -> None:
    pair = pair_with_secret(secret, secret)
    pair.up.is_held = True
    pair.pass_time(4.9)
    assert not pair.client.is_closed
    pair.pass_time(0.5)
    assert pair.client_closed.code == "handshake_timeout"
    assert "5 s" in pair.client_closed.text


def test_no_proof_in_time_ends_the_conversation() -> None:
    pair = pair_with_secret()
    pair.deliver_up()
    pair.up.is_held = True
    pair.pass_time(5.5)
    assert pair.server_closed.code == "handshake_timeout"


def test_half_a_hello_is_waited_for_only_as_long_as_a_handshake_may_take() -> None:
    pair = ConnectionPair()
    pair.deliver_up(20)
    pair.up.is_held = True
    pair.pass_time(4.9)
    assert pair.server.state is State.NEW
    pair.pass_time(0.5)
    assert pair.server_closed.code == "handshake_timeout"


@pytest.mark.parametrize("limit_s", [0.5, 3.0])
def test_the_time_for_a_handshake_is_a_setting(limit_s: float) -> None:
    pair = ConnectionPair(limits=Limits(handshake_s=limit_s))
    pair.up.is_held = True
    pair.pass_time(limit_s + 0.3)
    assert f"within {limit_s:g} s" in pair.client_closed.text


def test_a_notice_is_heard_with_the_next_ping_and_answered() -> None:
    pair = ConnectionPair().settle()
    pair.server.notify("another process was refused " * 100, read_clock(pair.clock))
    pair.pass_time(0.25)
    (noticed,) = pair.heard_by_client(Noticed)
    assert noticed.text.startswith("another process was refused")
    assert len(noticed.text) == 1_000
    assert pair.server.rtt_s is not None


def test_a_stranger_cannot_make_a_server_with_a_secret_hold_much() -> None:
    pair = pair_with_secret()
    pair.up.drop()
    pair.up.put(b"\x00\x00\x40\x01")
    pair.deliver_up()
    assert pair.server_closed.code == "frame_length"
    assert "allowed 1 to 16384" in pair.server_closed.text


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_bot_that_was_welcome_may_send_long_frames(secret: str | None) -> None:
    pair = pair_with_secret(secret, secret).settle()
    long = Text("x" * 500_000).to_message(1.0)
    pair.send_up(long)
    pair.settle()
    assert pair.heard_by_server(Message) == [long]


def test_the_words_of_a_peer_are_one_line_and_cannot_forge_a_log() -> None:
    words = "bye\n2026-11-20T00:00:00Z CRITICAL forged\r\n\x85more\u2028lines"
    pair = ConnectionPair().settle()
    pair.server.notify(words, read_clock(pair.clock))
    pair.pass_time(0.25)
    pair.server.close(Bye("stopping", words), read_clock(pair.clock))
    pair.pass_time(0.25)
    (noticed,) = pair.heard_by_client(Noticed)
    for text in (noticed.text, pair.client_closed.text):
        assert text == "bye 2026-11-20T00:00:00Z CRITICAL forged more lines"


def test_every_frame_of_a_handshake_is_compact_json() -> None:
    pair = pair_with_secret().settle()
    for history in (pair.up.history, pair.down.history):
        for found in read_frames(bytes(history)):
            assert orjson.loads(orjson.dumps(found)) == found
            assert set(found) >= {"tag", "message", "timestamp"}
