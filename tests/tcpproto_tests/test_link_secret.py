"""The link secret over real sockets: refusals that say why, at both ends."""

import socket
import threading

import pytest

from tests.fakes.link_parties import PATIENCE_S, Links
from tests.fakes.proxy import Proxy
from tests.tcpproto_tests.raw_peer import RawPeer
from tests.waiting import wait_until

SECRET = "correct horse battery staple"


@pytest.mark.parametrize(
    ("at_the_server", "at_the_bot", "told_the_bot"),
    [
        (SECRET, "wrong", "the server does not hold this link secret"),
        (SECRET, None, "this bridge asks for a link secret; give the bot the same link.secret"),
        (None, SECRET, "the server has no link secret; set the same one on both sides"),
    ],
)
def test_secrets_that_differ_are_refused_with_the_reason_at_both_ends(
    links: Links, at_the_server: str | None, at_the_bot: str | None, told_the_bot: str
) -> None:
    server, ears = links.serve(secret=at_the_server)
    bot = links.join(server.port, secret=at_the_bot)
    bot.add_events(3)
    wait_until(lambda: bot.state.phase == "refused", PATIENCE_S, "the refusal")
    assert bot.state.detail == told_the_bot
    told = (lambda: ears.refused) if at_the_server else (lambda: ears.disconnected)
    wait_until(told, PATIENCE_S, "the server knows why")
    if at_the_server:
        name, _address, code, text = ears.refused[0]
        assert (name, code) == ("paper", "secret")
        assert "secret" in text
        assert not ears.connected
    assert not ears.events
    assert len(bot.outbox.rows) == 3


def test_a_bot_that_is_given_the_right_secret_later_is_welcome(links: Links) -> None:
    server, ears = links.serve(secret=SECRET)
    wrong = links.join(server.port, secret="wrong")
    wait_until(lambda: wrong.state.phase == "refused", PATIENCE_S, "the refusal")
    wrong.client.stop("gets another secret", 2.0)
    right = links.join(server.port, secret=SECRET, outbox=wrong.outbox)
    right.add_events(3)
    right.wait_acknowledged()
    assert [event.seq for event in ears.events] == [1, 2, 3]


def test_a_recorded_conversation_replayed_to_the_same_bridge_does_nothing(links: Links) -> None:
    server, ears = links.serve(secret=SECRET)
    with Proxy(lambda: server.port) as proxy:
        bot = links.join(proxy.port, secret=SECRET)
        bot.add_events(3)
        bot.wait_acknowledged()
        bot.client.stop("enough", 2.0)
        recorded = bytes(proxy.recorded_up)
    events, connected = len(ears.events), len(ears.connected)

    with RawPeer(server.port) as thief:
        thief.say(recorded)
        thief.wait_end()

    assert (len(ears.events), len(ears.connected)) == (events, connected)
    assert ears.refused[-1][2:] == ("secret", "wrong link secret")


def test_a_man_in_the_middle_who_reflects_everything_learns_nothing(links: Links) -> None:
    """A bot that is sent its own frames back does not take them for a bridge's."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def reflect() -> None:
        sock, _address = listener.accept()
        with sock:
            while data := sock.recv(65_536):
                sock.sendall(data)

    mirror = threading.Thread(target=reflect, name="mirror")
    mirror.start()
    bot = links.join(listener.getsockname()[1], secret=SECRET, backoff_cap_s=10.0)
    try:
        wait_until(lambda: bot.state.detail, PATIENCE_S, "a reason")
        assert bot.state.phase != "connected"
    finally:
        mirror.join(10)
        listener.close()
