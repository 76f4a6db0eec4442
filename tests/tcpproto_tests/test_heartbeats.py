"""Heartbeats: who is dead, who is only slow, and what a stalled frame is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpproto.connection import Closed
from tcpproto.messages import Message, encode_message
from tcpproto.payloads import Log
from tcpproto.timing import Limits, read_clock
from tests.tcpproto_tests.connection_pair import ConnectionPair, open_pair
from tests.tcpproto_tests.frames_of import json_frame, read_frames

LOG = Log("INFO", "trading", 1.0, "a line that is long enough to be cut in the middle")


def tags_of(history: bytearray) -> list[str]:
    return [frame["tag"] for frame in read_frames(bytes(history))]


def test_two_quiet_ends_keep_each_other_alive_for_ever() -> None:
    pair = open_pair()
    pair.pass_time(3_600.0, step_s=0.5)
    assert pair.client.is_open
    assert pair.server.is_open
    assert tags_of(pair.up.history).count("ping") == 3_600 // 4
    assert tags_of(pair.down.history).count("pong") == 3_600 // 4


def test_the_round_trip_is_measured() -> None:
    pair = open_pair()
    assert pair.server.rtt_s is None
    pair.down.is_held = True
    pair.pass_time(4.0)
    pair.clock.advance(0.125)
    pair.down.is_held = False
    pair.settle()
    assert pair.server.rtt_s == pytest.approx(0.125)
    assert pair.client.rtt_s == pytest.approx(0.125)


def test_a_pong_to_an_older_ping_says_nothing_about_the_round_trip() -> None:
    pair = open_pair()
    pair.up.is_held = True
    pair.pass_time(8.0)
    pong = Message("pong", {}, 1.0, reply_to="1")
    pair.server.receive_data(encode_message(pong), read_clock(pair.clock))
    assert pair.server.rtt_s is None


@pytest.mark.parametrize("held", ["up", "down"])
def test_a_half_open_connection_is_found_dead_by_the_end_that_hears_nothing(held: str) -> None:
    pair = open_pair()
    getattr(pair, held).is_held = True
    pair.pass_time(13.5)
    assert pair.client.is_open
    assert pair.server.is_open

    pair.pass_time(1.0)

    deaf = pair.server_closed if held == "up" else pair.client_closed
    assert deaf == Closed("heartbeat_timeout", "nothing heard for 14 s", is_clean=False)


def test_both_ends_find_a_broken_network_within_15_seconds() -> None:
    pair = open_pair()
    pair.up.is_held = pair.down.is_held = True
    pair.pass_time(14.5)
    assert pair.client_closed.code == "heartbeat_timeout"
    assert pair.server_closed.code == "heartbeat_timeout"


@given(st.integers(min_value=1, max_value=120), st.floats(min_value=0.1, max_value=13.5))
def test_a_frame_stalled_half_way_for_less_than_the_limit_is_read_right(
    at: int, stall_s: float
) -> None:
    pair = open_pair()
    frame = encode_message(LOG.to_message(1.0))
    at = min(at, len(frame) - 1)
    pair.up.put(frame[:at])
    pair.settle()
    pair.up.is_held = True
    rest = frame[at:]
    pair.up.put(rest)

    pair.pass_time(stall_s)
    assert not pair.server.is_closed
    pair.up.is_held = False
    pair.settle()

    assert pair.heard_by_server(Message) == [LOG.to_message(1.0)]
    assert pair.server.is_open


def test_a_frame_stalled_for_longer_than_the_limit_ends_the_conversation() -> None:
    pair = open_pair()
    pair.up.put(encode_message(LOG.to_message(1.0))[:10])
    pair.settle()
    pair.up.is_held = True
    pair.pass_time(14.5)
    assert pair.server_closed.code == "heartbeat_timeout"


def test_a_frame_that_trickles_for_longer_than_the_limit_is_read_right() -> None:
    pair = open_pair()
    pair.down.is_held = True  # the trickling end is too busy to answer
    frame = encode_message(LOG.to_message(1.0))
    for byte in frame:
        pair.clock.advance(1.0)
        now = read_clock(pair.clock)
        pair.server_events += pair.server.receive_data(bytes([byte]), now)
        pair.server_events += pair.server.poll(now)
    assert len(frame) > pair.limits.dead_after_s
    assert pair.heard_by_server(Message) == [LOG.to_message(1.0)]
    assert pair.server.is_open


def test_a_peer_that_talks_but_never_answers_a_ping_is_not_dead() -> None:
    pair = open_pair()
    for _ in range(200):
        pair.clock.advance(1.0)
        now = read_clock(pair.clock)
        pair.server_events += pair.server.receive_data(encode_message(LOG.to_message(1.0)), now)
        pair.server_events += pair.server.poll(now)
    assert pair.server.is_open
    assert not pair.heard_by_server(Closed)


def test_time_that_jumps_finds_a_silent_peer_dead_at_once_and_a_talking_one_alive() -> None:
    for talks in (True, False):
        pair = open_pair()
        pair.clock.advance(10_000.0)
        now = read_clock(pair.clock)
        if talks:
            pair.server_events += pair.server.receive_data(encode_message(LOG.to_message(1.0)), now)
        pair.server_events += pair.server.poll(now)
        assert pair.server.is_closed is not talks


def test_setting_the_clock_of_the_machine_changes_nothing() -> None:
    pair = open_pair()
    for wall in (0.0, 4_000_000_000.0):
        pair.clock.set_wall(wall)
        pair.pass_time(20.0)
    assert pair.client.is_open
    assert pair.server.is_open


@pytest.mark.parametrize(("heartbeat_s", "dead_after_s"), [(0.5, 2.0), (10.0, 40.0)])
def test_the_intervals_are_settings(heartbeat_s: float, dead_after_s: float) -> None:
    limits = Limits(heartbeat_s=heartbeat_s, dead_after_s=dead_after_s)
    pair = open_pair(limits=limits)
    pair.pass_time(dead_after_s * 2, step_s=0.1)
    assert pair.client.is_open
    pair.up.is_held = pair.down.is_held = True
    pair.pass_time(dead_after_s + 0.2, step_s=0.1)
    assert pair.client_closed.text == f"nothing heard for {dead_after_s:.0f} s"


def test_the_dead_peer_is_told_in_case_it_hears() -> None:
    pair = open_pair()
    pair.up.is_held = True
    pair.pass_time(14.5)
    assert pair.client_closed.code == "heartbeat_timeout"
    assert pair.client_closed.is_clean  # said in words, not cut


@pytest.mark.parametrize("body", [{}, None, "text", [], {"notice": 7}, {"notice": None}, 7])
def test_a_ping_with_any_content_is_answered(body: object) -> None:
    pair = open_pair()
    pair.up.put(json_frame(tag="ping", message=body, timestamp=1, id="x"))
    pair.settle()
    (pong,) = (f for f in read_frames(bytes(pair.down.history)) if f["tag"] == "pong")
    assert pong["reply_to"] == "x"
    assert pair.server.is_open


def test_a_ping_without_an_id_is_answered_too() -> None:
    pair = open_pair()
    pair.up.put(json_frame(tag="ping", message={}, timestamp=1))
    pair.settle()
    assert tags_of(pair.down.history)[-1] == "pong"


def test_a_conversation_that_is_not_open_is_not_pinged() -> None:
    pair = ConnectionPair(limits=Limits(handshake_s=60.0))
    pair.up.is_held = True
    pair.pass_time(30.0)
    assert tags_of(pair.down.history) == []
    assert tags_of(pair.up.history) == ["hello"]
