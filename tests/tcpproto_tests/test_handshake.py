"""Greeting: who is let in, with and without a secret, in which version and under which name."""

import dataclasses
import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpproto.connection import Identified, Opened
from tcpproto.greetings import Welcome
from tcpproto.messages import Message
from tcpproto.states import State
from tcpproto.timing import Limits
from tests.tcpproto_tests.connection_pair import HELLO, ConnectionPair
from tests.tcpproto_tests.frames_of import json_frame, read_frames
from tests.tcpproto_tests.greeting_pairs import (
    LOG,
    SECRET,
    WITH_NONCE,
    pair_with_secret,
    with_hello,
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


def test_every_frame_of_a_handshake_is_compact_json() -> None:
    pair = pair_with_secret().settle()
    for history in (pair.up.history, pair.down.history):
        for found in read_frames(bytes(history)):
            assert orjson.loads(orjson.dumps(found)) == found
            assert set(found) >= {"tag", "message", "timestamp"}
