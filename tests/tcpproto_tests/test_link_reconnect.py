"""The link over a bad network: it reconnects at every point; events arrive once and in order."""

import random
from collections.abc import Iterator

import pytest

from tcpproto import Command, Limits, Log, Reply, ReplyState, Status
from tests.fakes.link_parties import PATIENCE_S, QUICK, Bot, Ears, Links
from tests.fakes.papers import Papers
from tests.fakes.proxy import Proxy
from tests.waiting import wait_until

SECRET = "correct horse battery staple"


@pytest.fixture
def proxy(links: Links) -> Iterator[Proxy]:
    """Stand between the bot and the server that the test starts first."""
    with Proxy(lambda: links.port) as proxy:
        yield proxy


def join(links: Links, proxy: Proxy, **options: object) -> tuple[Bot, Ears]:
    """Start a server and a bot that reaches it through the proxy."""
    secret = options.get("secret")
    limits = options.get("limits", Limits())
    _server, ears = links.serve(secret=secret, limits=limits)
    bot = links.join(proxy.port, backoff_cap_s=0.002, **options)
    bot.wait_connected()
    return bot, ears


def check_arrived(bot: Bot, ears: Ears, count: int) -> None:
    bot.wait_acknowledged()
    assert [event.seq for event in ears.events] == list(range(1, count + 1))


def cut_after_each_byte(
    links: Links, proxy: Proxy, secret: str | None, direction: str, step: int
) -> None:
    """Cut a conversation after 0 bytes, after `step`, and so on, alternately by end and reset."""
    bot, ears = join(links, proxy, secret=secret)
    bot.client.set_status(Status("engine", "running").to_message(1.0))
    bot.add_events(2)
    bot.wait_acknowledged()
    whole = proxy.bytes_up if direction == "up" else proxy.bytes_down
    count = 2
    for cut_after in range(0, whole, step):
        connections = proxy.connections
        bot.outbox.add(2)
        count += 2
        proxy.cut_with_reset = not proxy.cut_with_reset
        proxy.cut_next_after(**{direction: cut_after})
        bot.client.wake_outbox()
        bot.wait_acknowledged()
        assert proxy.connections > connections
    check_arrived(bot, ears, count)
    assert whole > 300


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_conversation_cut_after_any_byte_loses_and_repeats_nothing(
    links: Links, proxy: Proxy, direction: str
) -> None:
    cut_after_each_byte(links, proxy, None, direction, 1)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_conversation_with_a_secret_cut_at_many_places_loses_and_repeats_nothing(
    links: Links, proxy: Proxy, direction: str
) -> None:
    cut_after_each_byte(links, proxy, SECRET, direction, 5)


@pytest.mark.long
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_conversation_with_a_secret_cut_after_any_byte_loses_and_repeats_nothing(
    links: Links, proxy: Proxy, direction: str
) -> None:
    cut_after_each_byte(links, proxy, SECRET, direction, 1)


def test_random_cuts_under_a_stream_of_events_lose_and_repeat_nothing(
    links: Links, proxy: Proxy
) -> None:
    bot, ears = join(links, proxy)
    rng = random.Random(20_261_120)
    count = 0
    for _ in range(60):
        connections = proxy.connections
        proxy.cut_next_after(up=rng.randint(0, 60_000))
        for _ in range(rng.randint(1, 10)):
            batch = rng.randint(1, 40)
            bot.add_events(batch)
            count += batch
        if rng.random() < 0.5:
            wait_until(lambda n=connections: proxy.connections > n, PATIENCE_S, "a reconnect")  # type: ignore[misc]
    check_arrived(bot, ears, count)


@pytest.mark.parametrize(
    "faults",
    [
        {"piece_len": 1},
        {"piece_len": 3, "delay_s": 0.0005},
        {"merge_until": 100_000},
        {"delay_s": 0.02},
    ],
    ids=["byte by byte", "slow pieces", "merged", "delayed"],
)
@pytest.mark.parametrize("secret", [None, SECRET], ids=["open", "secret"])
def test_a_network_that_delays_splits_and_merges_changes_nothing(
    links: Links, proxy: Proxy, faults: dict[str, float], secret: str | None
) -> None:
    for direction in (proxy.up, proxy.down):
        proxy.change(direction, **faults)
    bot, ears = join(links, proxy, secret=secret)
    bot.add_events(20)
    check_arrived(bot, ears, 20)
    command = Command("id", "ping", (), "tg:1", "admin", "tg:1", 1.0, 2e9)
    assert ears.server.send("paper", command.to_message(1.0))
    wait_until(lambda: ears.replies, PATIENCE_S, "the reply")
    assert proxy.connections == 1


def test_a_frozen_network_is_found_dead_and_everything_goes_on_after_the_thaw(
    links: Links, proxy: Proxy
) -> None:
    bot, ears = join(links, proxy, limits=QUICK)
    proxy.freeze()
    bot.add_events(50)
    wait_until(lambda: bot.state.phase != "connected", PATIENCE_S, "the bot gives up")
    assert "nothing heard" in bot.state.detail
    wait_until(lambda: ears.disconnected, PATIENCE_S, "the server gives up")
    assert "nothing heard" in ears.disconnected[0][1]
    proxy.thaw()
    check_arrived(bot, ears, 50)


def test_a_freeze_shorter_than_the_limit_is_only_a_delay(links: Links, proxy: Proxy) -> None:
    bot, ears = join(links, proxy)
    bot.add_events(5)
    check_arrived(bot, ears, 5)
    proxy.change(proxy.up, cut_after=None, is_frozen=True)
    bot.add_events(5)
    proxy.thaw()
    check_arrived(bot, ears, 10)
    assert proxy.connections == 1
    assert bot.state.reconnects == 1


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_half_open_connection_is_found_and_replaced(
    links: Links, proxy: Proxy, direction: str
) -> None:
    bot, ears = join(links, proxy, limits=QUICK)
    proxy.change(getattr(proxy, direction), is_lost=True)
    bot.add_events(20)
    wait_until(lambda: ears.disconnected, PATIENCE_S, "the server gives the connection up")
    proxy.change(getattr(proxy, direction), is_lost=False)
    bot.wait_connected()
    check_arrived(bot, ears, 20)


def test_an_end_that_never_comes_through_is_found_by_heartbeats(links: Links, proxy: Proxy) -> None:
    bot, ears = join(links, proxy, limits=QUICK)
    proxy.change(proxy.down, is_end_hidden=True)
    ears.server.stop("going away", 0.2)
    proxy.change(proxy.up, is_lost=True)
    wait_until(lambda: bot.state.phase != "connected", PATIENCE_S, "the bot notices")
    proxy.change(proxy.down, is_end_hidden=False)
    proxy.change(proxy.up, is_lost=False)


def test_a_server_that_reads_nothing_is_given_up_even_when_every_buffer_is_full(
    links: Links, proxy: Proxy
) -> None:
    bot, ears = join(links, proxy, limits=QUICK)
    proxy.freeze()
    line = Log("INFO", "flood", 1.0, "x" * 60_000).to_message(1.0)
    while bot.state.phase == "connected":
        bot.client.offer(line, wait_s=0.05)
    assert "nothing heard" in bot.state.detail
    proxy.thaw()
    bot.wait_connected()
    bot.add_events(5)
    check_arrived(bot, ears, 5)


def test_replies_stuck_in_a_full_socket_do_not_end_the_writer(links: Links, proxy: Proxy) -> None:
    bot, ears = join(links, proxy)
    proxy.freeze()
    text = "x" * 100_000
    filled = Log("INFO", "flood", 1.0, text).to_message(1.0)
    for _ in range(200):
        bot.client.send(filled)
    proxy.cut_with_reset = True
    proxy.cut_all()
    proxy.cut_with_reset = False
    proxy.thaw()
    bot.wait_connected()
    bot.add_events(5)
    check_arrived(bot, ears, 5)


@pytest.mark.parametrize("with_tls", [False, True], ids=["plain", "tls"])
def test_replies_to_a_bridge_that_reads_late_arrive_whole_and_in_order(
    links: Links, proxy: Proxy, papers: Papers, with_tls: bool
) -> None:
    server, ears = links.serve(tls=papers.server() if with_tls else None)
    assert server.port == links.port
    bot = links.join(proxy.port, tls=papers.client() if with_tls else None)
    bot.wait_connected()
    proxy.freeze()
    for number in range(150):
        reply = Reply(f"command-{number}", ReplyState.APPLIED, f"{number} " * 20_000)
        assert bot.client.send(reply.to_message(1.0))
    proxy.thaw()
    wait_until(lambda: len(ears.replies) == 150, PATIENCE_S, "all replies")
    for number, (_name, reply) in enumerate(ears.replies):
        assert (reply.reply_to, reply.text) == (f"command-{number}", f"{number} " * 20_000)
    assert proxy.connections == 1


def test_the_status_comes_again_after_every_reconnect(links: Links, proxy: Proxy) -> None:
    bot, ears = join(links, proxy)
    bot.client.set_status(Status("engine", "running").to_message(1.0))
    for count in range(1, 6):
        wait_until(lambda n=count: len(ears.statuses) >= n, PATIENCE_S, "the status")  # type: ignore[misc]
        proxy.cut_all()
    assert {status.text for _, status in ears.statuses} == {"running"}


def test_a_bridge_that_comes_late_is_found(links: Links) -> None:
    ports: list[int] = []

    def port() -> int:
        if not ports:
            raise OSError("link.port is not there yet")
        return ports[0]

    bot = links.join(port)
    wait_until(lambda: bot.state.detail, PATIENCE_S, "a reason")
    assert bot.state.phase == "connecting"
    assert "not there yet" in bot.state.detail
    bot.add_events(3)
    server, ears = links.serve()
    ports.append(server.port)
    check_arrived(bot, ears, 3)


def test_a_bridge_that_restarts_is_found_again_on_the_same_port(links: Links) -> None:
    server, ears = links.serve()
    bot = links.join(server.port)
    count = 0
    for _ in range(5):
        bot.add_events(3)
        count += 3
        bot.wait_connected()
        ears.server.stop("restart", 2.0)
        bot.add_events(3)
        count += 3
        links.serve(ears.ports[-1], ears=ears)
    check_arrived(bot, ears, count)


def test_a_fault_in_finding_the_address_does_not_end_the_link(
    links: Links, caplog: pytest.LogCaptureFixture
) -> None:
    server, ears = links.serve()
    answers: list[int] = []

    def port() -> int:
        if not answers:
            raise ValueError("planted")
        return answers[0]

    bot = links.join(port)
    wait_until(lambda: bot.state.detail, PATIENCE_S, "a reason")
    assert bot.state.detail == "internal fault, see the log"
    assert "planted" in caplog.text
    answers.append(server.port)
    bot.add_events(3)
    check_arrived(bot, ears, 3)


def test_unreachable_is_logged_by_change_and_not_by_try(
    links: Links, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def port() -> int:
        tries.append(1)
        raise OSError("nobody there")

    with caplog.at_level("INFO"):
        bot = links.join(port, backoff_cap_s=0.001)
        wait_until(lambda: len(tries) > 50, PATIENCE_S, "many tries")
    assert len(bot.states) == 1
    assert caplog.text.count("nobody there") == 1
