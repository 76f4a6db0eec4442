"""Three-field peers of seed 003: told by their first frame or by silence, never with a secret."""

import pytest

from tcpproto.connection import BecameLegacy, Closed, Identified, Opened
from tcpproto.messages import Message
from tcpproto.server_connection import ServerConnection
from tcpproto.states import State
from tcpproto.timing import Limits, read_clock
from tests.tcpproto_tests.connection_pair import HELLO, ConnectionPair
from tests.tcpproto_tests.frames_of import OVERSIZE, json_frame, three_fields


def stranger(**options: object) -> ConnectionPair:
    """Return a pair at whose client's end a stranger sits that has said nothing yet."""
    pair = ConnectionPair(**options)  # type: ignore[arg-type]
    pair.up.drop()
    return pair


def say(pair: ConnectionPair, data: bytes) -> None:
    pair.up.put(data)
    pair.deliver_up()


@pytest.mark.parametrize("tag", ["message", "log", "status", "command", "ping", "anything", "ack"])
def test_a_first_frame_that_is_no_hello_makes_a_three_field_peer(tag: str) -> None:
    pair = stranger()
    say(pair, three_fields(tag, "text"))
    assert pair.server_events[0] == BecameLegacy()
    assert pair.server.state is State.LEGACY
    assert pair.down.history == b""


def test_its_messages_are_heard_from_the_first_on_and_all_else_is_ignored() -> None:
    pair = stranger()
    say(pair, three_fields("message", "one") + three_fields("log", "x") + three_fields("ping", {}))
    say(pair, three_fields("message", "two") + three_fields("bye", "x"))
    assert [message.message for message in pair.heard_by_server(Message)] == ["one", "two"]
    assert pair.server.unknown_tags == 3
    assert pair.down.history == b""


def test_a_legacy_frame_that_trickles_is_read_right() -> None:
    pair = stranger()
    for byte in three_fields("message", "slow"):
        say(pair, bytes([byte]))
        pair.clock.advance(0.02)
        assert pair.server.poll(read_clock(pair.clock)) == []
    assert [message.message for message in pair.heard_by_server(Message)] == ["slow"]


def test_a_second_of_silence_makes_a_three_field_peer() -> None:
    pair = stranger()
    pair.client.receive_end()
    pair.pass_time(0.9, step_s=0.1)
    assert pair.server_events == []
    pair.pass_time(0.2, step_s=0.1)
    assert pair.server_events == [BecameLegacy()]
    pair.pass_time(1_000.0, step_s=5.0)
    assert pair.server.state is State.LEGACY
    assert pair.down.history == b""


def test_half_a_first_frame_is_no_silence() -> None:
    pair = stranger()
    say(pair, three_fields("message", "slow")[:9])
    pair.clock.advance(2.0)
    assert pair.server.poll(read_clock(pair.clock)) == []
    assert pair.server.state is State.NEW


def test_a_hello_that_comes_late_still_makes_a_bot() -> None:
    pair = ConnectionPair()
    pair.up.is_held = True
    pair.pass_time(2.0)
    assert pair.server.state is State.LEGACY

    pair.up.is_held = False
    pair.settle()

    assert pair.heard_by_server(Identified) == [Identified(HELLO)]
    assert pair.heard_by_client(Opened)
    assert pair.server.is_open


def test_a_hello_after_a_message_still_makes_a_bot() -> None:
    pair = ConnectionPair()
    hello = pair.up.take(10_000)
    say(pair, three_fields("message", "first"))
    say(pair, hello)
    pair.settle()
    assert pair.client.is_open


def test_the_time_of_silence_is_a_setting() -> None:
    pair = stranger(limits=Limits(legacy_silence_s=0.1))
    pair.clock.advance(0.1)
    assert pair.server.poll(read_clock(pair.clock)) == [BecameLegacy()]


def test_with_a_secret_silence_makes_nothing_and_ends_with_the_handshakes_limit() -> None:
    pair = stranger(server_secret="secret")
    pair.client.receive_end()
    pair.pass_time(4.9)
    assert pair.server.state is State.NEW
    pair.pass_time(0.5)
    assert pair.server_closed.code == "handshake_timeout"


def test_with_a_secret_a_three_field_frame_is_refused_in_words() -> None:
    pair = stranger(server_secret="secret")
    say(pair, three_fields("message", "buy"))
    assert pair.server_closed.code == "secret"
    assert pair.server_closed.text == (
        "the first frame has tag 'message'; this bridge asks for a link secret"
    )


def test_with_tls_a_three_field_frame_is_refused_too() -> None:
    pair = stranger()
    server = ServerConnection(None, str, Limits(), read_clock(pair.clock), legacy_allowed=False)
    (closed,) = server.receive_data(three_fields("message", "buy"), read_clock(pair.clock))
    assert isinstance(closed, Closed)
    assert closed.text == "the first frame has tag 'message'; this bridge asks for a hello"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (OVERSIZE, "frame_length"),
        (b"\x00\x00\x00\x02{]", "not_json"),
        (json_frame(tag="message", message="x"), "missing_field"),
        (json_frame(tag="message", message="x", timestamp="now"), "bad_field"),
    ],
)
def test_a_three_field_peer_that_breaks_the_rules_is_closed_without_a_frame_it_cannot_read(
    data: bytes, code: str
) -> None:
    pair = stranger()
    say(pair, three_fields("message", "text"))
    say(pair, data)
    assert pair.server_closed.code == code
    assert pair.down.history == b""


def test_a_remark_for_the_log_is_never_sent_to_a_three_field_peer() -> None:
    pair = stranger()
    say(pair, three_fields("message", "text"))
    pair.server.notify("another process with your name was refused", read_clock(pair.clock))
    assert pair.server.data_to_send() == b""
