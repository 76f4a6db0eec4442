"""Greeting with a secret: forged, replayed, mirrored and damaged proofs let nobody in."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpproto.authentication import CLIENT_ROLE, SERVER_ROLE, is_proof, make_proof
from tcpproto.client_connection import ClientConnection
from tcpproto.connection import Closed, Identified, Opened
from tcpproto.greetings import Challenge, Hello, Proof, Welcome
from tcpproto.messages import Message, encode_message
from tcpproto.timing import Limits, read_clock
from tests.tcpproto_tests.connection_pair import HELLO, NONCE, SERVER_NONCE, ConnectionPair
from tests.tcpproto_tests.frames_of import json_frame, read_frames
from tests.tcpproto_tests.greeting_pairs import SECRET, WITH_NONCE, pair_with_secret


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


def test_a_stranger_cannot_make_a_server_with_a_secret_hold_much() -> None:
    pair = pair_with_secret()
    pair.up.drop()
    pair.up.put(b"\x00\x00\x40\x01")
    pair.deliver_up()
    assert pair.server_closed.code == "frame_length"
    assert "allowed 1 to 16384" in pair.server_closed.text
