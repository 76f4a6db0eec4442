"""Three-field peers on real sockets: both ways without a secret, refused with one."""

import struct

import pytest

from tcpproto import Command, Status
from tests.fakes.link_parties import PATIENCE_S, QUICK, Links
from tests.tcpproto_tests.frames_of import frame, three_fields
from tests.tcpproto_tests.raw_peer import RawPeer
from tests.waiting import wait_until


def a_command(verb: str, *args: str) -> Command:
    return Command("command-1", verb, args, "tg:1", "admin", "tg:1", 1.0, 2e9)


def test_a_three_field_peer_is_served_both_ways(links: Links) -> None:
    server, ears = links.serve()
    with RawPeer(server.port) as peer:
        peer.say(three_fields("message", "Bought BTC/USDT"))
        wait_until(lambda: ears.texts, PATIENCE_S, "the text")
        assert ears.texts == [("legacy-1", "Bought BTC/USDT")]
        assert server.peers()[0].legacy

        assert server.send("legacy-1", a_command("buy", "BTC/USDT").to_message(7.0))
        heard = peer.wait_frame("command")
        assert heard == {"tag": "command", "message": "buy:BTC/USDT", "timestamp": 7.0}


def test_a_three_field_peer_gets_nothing_that_it_cannot_read(links: Links) -> None:
    server, _ears = links.serve(limits=QUICK)
    with RawPeer(server.port) as peer:
        wait_until(server.peers, PATIENCE_S, "a second of silence")
        assert not server.send("legacy-1", a_command("flatten").to_message(1.0))
        assert not server.send("legacy-1", Status("engine", "text").to_message(1.0))
        assert server.send("legacy-1", a_command("starttrading").to_message(1.0))
        heard = peer.wait_frame("command")
        assert heard["message"] == "starttrading"
        assert peer.frames() == [heard]


def test_a_silent_three_field_peer_lives_without_heartbeats(links: Links) -> None:
    server, ears = links.serve(limits=QUICK)
    with RawPeer(server.port) as peer:
        wait_until(server.peers, PATIENCE_S, "it is there")
        bot = links.join(server.port, limits=QUICK)
        # Longer than the heartbeat's limit, by the heartbeats of a bot that answers them.
        rtts: set[float | None] = set()

        def has_had_heartbeats() -> bool:
            rtts.add(bot.state.rtt_s)
            return len(rtts) > 5

        wait_until(has_had_heartbeats, PATIENCE_S, "some heartbeats")
        assert not ears.disconnected
        assert peer.frames() == []


def test_a_frame_that_trickles_from_a_three_field_peer_is_read(links: Links) -> None:
    server, ears = links.serve()
    with RawPeer(server.port) as peer:
        for byte in three_fields("message", "slow"):
            peer.say(bytes([byte]))
        wait_until(lambda: ears.texts, PATIENCE_S, "the text")
    wait_until(lambda: ears.disconnected, PATIENCE_S, "it is gone")
    assert ears.disconnected[0][0].name == "legacy-1"
    assert [peer.name for peer in ears.connected] == ["legacy-1"]


def test_a_hello_after_a_second_of_silence_makes_a_bot_of_it(links: Links) -> None:
    server, ears = links.serve(limits=QUICK)
    with RawPeer(server.port) as peer:
        wait_until(server.peers, PATIENCE_S, "it is taken for a three-field peer")
        peer.greet("paper")
        peer.wait_frame("welcome")
        wait_until(server.peers, PATIENCE_S, "the server has taken note")
        assert [info.name for info in server.peers()] == ["paper"]
    wait_until(lambda: len(ears.disconnected) == 2, PATIENCE_S, "it is gone")
    assert [(info.name, clean) for info, _reason, clean in ears.disconnected] == [
        ("legacy-1", True),
        ("paper", False),
    ]


def test_the_size_field_of_seed_003_is_big_endian(links: Links) -> None:
    server, ears = links.serve()
    with RawPeer(server.port) as peer:
        payload = three_fields("message", "x")[4:]
        assert frame(payload)[:4] == struct.pack(">I", len(payload))
        peer.say(frame(payload))
        wait_until(lambda: ears.texts, PATIENCE_S, "the text")


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_three_field_peer_is_refused_where_a_secret_is_set(links: Links, is_silent: bool) -> None:
    server, ears = links.serve(secret="secret", limits=QUICK)
    with RawPeer(server.port) as peer:
        if not is_silent:
            peer.say(three_fields("message", "Bought BTC/USDT"))
        peer.wait_end()
    assert not ears.connected
    assert not ears.texts
    ((_name, _address, code, text),) = ears.refused
    assert code == ("handshake_timeout" if is_silent else "secret")
    assert text
