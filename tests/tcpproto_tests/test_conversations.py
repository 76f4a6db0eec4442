"""After the greeting: which way each tag may go, unknown tags, notices, words of the peer."""

import pytest

from tcpproto.connection import Noticed
from tcpproto.greetings import Bye
from tcpproto.messages import Message
from tcpproto.payloads import Ack, Text
from tcpproto.timing import read_clock
from tests.tcpproto_tests.connection_pair import ConnectionPair
from tests.tcpproto_tests.frames_of import json_frame
from tests.tcpproto_tests.greeting_pairs import LOG, SECRET, pair_with_secret


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


def test_a_notice_is_heard_with_the_next_ping_and_answered() -> None:
    pair = ConnectionPair().settle()
    pair.server.notify("another process was refused " * 100, read_clock(pair.clock))
    pair.pass_time(0.25)
    (noticed,) = pair.heard_by_client(Noticed)
    assert noticed.text.startswith("another process was refused")
    assert len(noticed.text) == 1_000
    assert pair.server.rtt_s is not None


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
