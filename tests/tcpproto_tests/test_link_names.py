"""One name, one process: who wins when a name comes twice, and that both are told."""

import logging

import pytest

from tests.fakes.link_parties import PATIENCE_S, QUICK, Links
from tests.fakes.proxy import Proxy
from tests.tcpproto_tests.frames_of import three_fields
from tests.tcpproto_tests.raw_peer import RawPeer
from tests.waiting import wait_until


def test_a_newer_connection_of_the_same_process_wins(links: Links) -> None:
    server, ears = links.serve()
    with RawPeer(server.port) as old, RawPeer(server.port) as new:
        old.greet("paper", instance="one")
        old.wait_frame("welcome")
        new.greet("paper", instance="one")
        new.wait_frame("welcome")
        bye = old.wait_frame("bye")
        old.wait_end()
        wait_until(lambda: len(ears.connected) == 2, PATIENCE_S, "the server has taken note")
        assert bye["message"]["code"] == "replaced"
        assert [peer.name for peer in server.peers()] == ["paper"]
        assert server.peers() == [ears.connected[1]]
        assert ears.disconnected == [
            (ears.connected[0], "a newer connection of this bot took over", True)
        ]


def test_what_is_sent_after_a_replacement_goes_to_the_new_connection(links: Links) -> None:
    server, ears = links.serve()
    with RawPeer(server.port) as old, RawPeer(server.port) as new:
        old.greet("paper", instance="one")
        old.wait_frame("welcome")
        new.greet("paper", instance="one")
        new.wait_frame("welcome")
        wait_until(lambda: len(ears.connected) == 2, PATIENCE_S, "the server has taken note")
        assert server.ack("paper", "epoch", 1)
        new.wait_frame("ack")
        assert not [frame for frame in old.frames() if frame["tag"] == "ack"]
        # What the old connection still says is not heard.
        old.say(three_fields("message", "from the grave"))
        new.say(three_fields("message", "alive"))
        wait_until(lambda: ears.texts, PATIENCE_S, "the text")
        assert ears.texts == [("paper", "alive")]


def test_another_process_with_the_name_of_a_living_one_is_refused_and_both_are_told(
    links: Links, caplog: pytest.LogCaptureFixture
) -> None:
    server, ears = links.serve()
    first = links.join(server.port, instance="one")
    first.wait_connected()
    with caplog.at_level(logging.WARNING):
        second = links.join(server.port, instance="two")
        wait_until(lambda: second.state.phase == "refused", PATIENCE_S, "the refusal")
        wait_until(lambda: "was refused" in caplog.text, PATIENCE_S, "the first is told")

    assert "a bot named 'paper' is already connected" in second.state.detail
    assert first.state.phase == "connected"
    ((name, _address, code, text),) = ears.refused
    assert (name, code, text) == ("paper", "name_taken", second.state.detail)
    assert [peer.instance for peer in server.peers()] == ["one"]


def test_a_refused_name_is_asked_for_again_after_the_pause_that_the_server_names(
    links: Links,
) -> None:
    server, _ears = links.serve()
    with RawPeer(server.port) as first, RawPeer(server.port) as second:
        first.greet("paper", instance="one")
        first.wait_frame("welcome")
        second.greet("paper", instance="two")
        assert second.wait_frame("bye")["message"]["retry_after_s"] == 30.0
        assert "refused" in first.wait_frame("ping")["message"]["notice"]


def test_a_refused_process_gets_the_name_once_the_old_one_is_gone(links: Links) -> None:
    server, ears = links.serve(name_taken_retry_s=0.05)
    first = links.join(server.port, instance="one")
    first.wait_connected()
    second = links.join(server.port, instance="two")
    wait_until(lambda: len(ears.refused) >= 3, PATIENCE_S, "several refusals")
    first.client.stop("enough", 2.0)
    second.wait_connected()
    assert [peer.instance for peer in server.peers()] == ["two"]


@pytest.mark.parametrize("with_reset", [False, True])
def test_the_name_of_a_process_that_died_is_taken_over_at_once(
    links: Links, with_reset: bool
) -> None:
    server, ears = links.serve()
    with Proxy(lambda: server.port) as proxy:
        proxy.cut_with_reset = with_reset
        died = RawPeer(proxy.port)
        died.greet("paper", instance="one")
        died.wait_frame("welcome")
        died.say(three_fields("message", "x" * 100_000))  # still unread when it dies
        proxy.cut_all()
        died.sock.close()
        successor = links.join(server.port, instance="two")
        successor.wait_connected()
    assert not ears.refused


def test_the_name_of_a_process_that_vanished_is_free_after_the_heartbeats_limit(
    links: Links,
) -> None:
    server, ears = links.serve(limits=QUICK, name_taken_retry_s=0.05)
    with Proxy(lambda: server.port) as proxy:
        vanished = links.join(proxy.port, instance="one")
        vanished.wait_connected()
        proxy.freeze()
        vanished.client.stop("pulled the plug", 0.2)
        successor = links.join(server.port, instance="two")
        successor.wait_connected()
    assert ears.disconnected[0][0].instance == "one"
    assert "nothing heard" in ears.disconnected[0][1]


def test_many_bots_keep_their_own_streams(links: Links) -> None:
    server, ears = links.serve()
    bots = [links.join(server.port, name=f"bot-{n}", instance=f"i{n}") for n in range(20)]
    for number, bot in enumerate(bots):
        bot.add_events(number + 1)
    for bot in bots:
        bot.wait_acknowledged()
    assert {name: seqs for (name, _epoch), seqs in ears.stored.items()} == {
        f"bot-{n}": list(range(1, n + 2)) for n in range(20)
    }


def test_a_bot_may_be_named_like_a_three_field_peer_and_both_are_served(links: Links) -> None:
    server, _ears = links.serve()
    bot = links.join(server.port, name="legacy-1", instance="one")
    bot.wait_connected()
    with RawPeer(server.port) as peer:
        peer.say(three_fields("message", "hi"))
        wait_until(lambda: len(server.peers()) == 2, PATIENCE_S, "both are there")
        assert sorted(info.name for info in server.peers()) == ["legacy-1", "legacy-2"]
