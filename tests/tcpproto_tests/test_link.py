"""A bot and the bridge over real sockets: what goes up, what comes down, and on which threads."""

import logging
import socket

import pytest

from tcpproto import Command, Log, ReplyState, Status, Text
from tests.fakes.link_parties import PATIENCE_S, QUICK, Links
from tests.waiting import wait_until

SECRET = "correct horse battery staple"


def a_command(number: int = 1, verb: str = "ping") -> Command:
    return Command(f"command-{number}", verb, (), "tg:1", "admin", "tg:1", 1.0, 2e9)


@pytest.mark.parametrize("secret", [None, SECRET])
def test_a_bot_connects_and_both_know_each_other(links: Links, secret: str | None) -> None:
    server, ears = links.serve(secret=secret)
    bot = links.join(server.port, secret=secret)
    bot.wait_connected()
    wait_until(lambda: ears.connected, PATIENCE_S, "the server has admitted it too")
    (peer,) = server.peers()
    assert (peer.name, peer.instance, peer.software) == ("paper", "instance-1", "test 1")
    assert (peer.epoch, peer.legacy) == (bot.outbox.epoch, False)
    assert ears.connected == [peer]
    assert [state.phase for state in bot.states] == ["connected"]


@pytest.mark.parametrize("secret", [None, SECRET])
def test_commands_go_down_and_replies_come_up(links: Links, secret: str | None) -> None:
    server, ears = links.serve(secret=secret)
    bot = links.join(server.port, secret=secret)
    bot.wait_connected()
    wait_until(server.peers, PATIENCE_S, "the server has admitted it too")

    assert server.send("paper", a_command().to_message(1.0))

    wait_until(lambda: ears.replies, PATIENCE_S, "the reply")
    ((name, reply),) = ears.replies
    assert (name, reply.reply_to, reply.state) == ("paper", "command-1", ReplyState.APPLIED)
    assert bot.commands == [a_command()]


def test_a_thousand_commands_are_answered_in_order(links: Links) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.wait_connected()
    for number in range(1_000):
        assert server.send("paper", a_command(number).to_message(1.0))
    wait_until(lambda: len(ears.replies) == 1_000, PATIENCE_S, "all replies")
    assert [reply.reply_to for _, reply in ears.replies] == [f"command-{n}" for n in range(1_000)]


def test_events_are_stored_once_in_order_and_deleted_when_acknowledged(links: Links) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.add_events(3_000)  # more than a window
    bot.wait_acknowledged()
    assert [event.seq for event in ears.events] == list(range(1, 3_001))
    assert ears.repeats == 0


def test_a_welcome_tells_what_is_stored_already(links: Links) -> None:
    server, ears = links.serve()
    bot = links.bot(server.port)
    bot.outbox.add(10)
    ears.stored["paper", bot.outbox.epoch] = [6]
    links.start(bot)
    bot.wait_acknowledged()
    assert [event.seq for event in ears.events] == [7, 8, 9, 10]
    assert bot.outbox.acknowledged[0] == (bot.outbox.epoch, 6)


def test_status_logs_and_texts_come_up(links: Links) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.client.set_status(Status("engine", "old").to_message(1.0))
    bot.client.set_status(Status("engine", "running", {"a": 1}).to_message(1.0))
    bot.wait_connected()
    assert bot.client.offer(Log("INFO", "trading", 1.0, "line").to_message(1.0))
    assert bot.client.offer(Text("hello").to_message(1.0))
    wait_until(lambda: ears.texts, PATIENCE_S, "the text")
    assert ears.statuses[-1] == ("paper", Status("engine", "running", {"a": 1}))
    assert ears.logs == [("paper", Log("INFO", "trading", 1.0, "line"))]
    assert ears.texts == [("paper", "hello")]


def test_without_a_connection_nothing_best_effort_is_taken(links: Links) -> None:
    bot = links.bot(1)
    assert not bot.client.offer(Log("INFO", "trading", 1.0, "line").to_message(1.0))
    assert not bot.client.send(Text("hello").to_message(1.0))
    bot.add_events(1)
    assert not bot.client.flush(0.05)


def test_sending_to_somebody_who_is_not_there_answers_false(links: Links) -> None:
    server, _ears = links.serve()
    assert not server.send("nobody", a_command().to_message(1.0))
    assert not server.ack("nobody", "epoch", 1)
    assert server.rtt_s("nobody") is None


def test_the_link_uses_only_its_named_threads(links: Links) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    bot.add_events(10)
    bot.wait_connected()
    server.send("paper", a_command().to_message(1.0))
    bot.wait_acknowledged()
    wait_until(lambda: ears.replies, PATIENCE_S, "the reply")
    assert bot.threads == {"tcp-recv"}
    assert ears.threads == {"tcp-server"}


def test_the_round_trip_shows_on_both_sides(links: Links) -> None:
    server, _ears = links.serve(limits=QUICK)
    bot = links.join(server.port, limits=QUICK)
    wait_until(lambda: bot.state.rtt_s, PATIENCE_S, "a round trip at the bot")
    wait_until(lambda: server.rtt_s("paper"), PATIENCE_S, "a round trip at the server")
    assert 0 < (bot.state.rtt_s or 0) < 5


def test_the_link_works_over_ipv6(links: Links) -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    server, ears = links.serve(host="::1")
    bot = links.join(server.port, host="::1")
    bot.add_events(3)
    bot.wait_acknowledged()
    assert len(ears.events) == 3


@pytest.mark.parametrize(
    "is_secret_of", ["both", "client", "server", "another"], ids=lambda word: word
)
def test_a_secret_shows_nowhere(
    links: Links, is_secret_of: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        server, ears = links.serve(secret=None if is_secret_of == "client" else SECRET)
        own = {"both": SECRET, "client": SECRET, "server": None, "another": SECRET + "!"}
        bot = links.join(server.port, secret=own[is_secret_of])
        if is_secret_of == "both":
            bot.wait_connected()
        else:
            wait_until(lambda: bot.state.detail, PATIENCE_S, "a reason")
    said = [caplog.text, repr(bot.client), repr(bot.client._settings), repr(server)]
    said += [repr(server._settings), repr(ears), repr(bot.states), repr(vars(bot.client))]
    assert not [text for text in said if SECRET in text]
