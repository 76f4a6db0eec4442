"""TLS on both sides: who is let in, who is not, and that the reason shows."""

import ssl

import pytest

from tests.fakes.link_parties import PATIENCE_S, QUICK, Bot, Links
from tests.fakes.papers import Papers
from tests.fakes.proxy import Proxy
from tests.tcpproto_tests.frames_of import three_fields
from tests.tcpproto_tests.raw_peer import RawPeer
from tests.waiting import wait_until

SECRET = "correct horse battery staple"


@pytest.fixture(scope="module")
def forged(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("tls") / "forged")


def wait_reason(bot: Bot, words: str) -> None:
    wait_until(lambda: words in bot.state.detail, PATIENCE_S, f"the reason {words!r}")
    assert bot.state.phase != "connected"


def test_both_sides_show_certificates_and_talk(links: Links, papers: Papers) -> None:
    server, ears = links.serve(tls=papers.server(), secret=SECRET)
    bot = links.join(server.port, tls=papers.client(), secret=SECRET)
    bot.add_events(3_000)
    bot.wait_acknowledged()
    assert [event.seq for event in ears.events] == list(range(1, 3_001))
    assert ears.repeats == 0


@pytest.mark.parametrize("piece_len", [1, 7])
def test_tls_works_through_a_network_that_trickles(
    links: Links, papers: Papers, piece_len: int
) -> None:
    server, ears = links.serve(tls=papers.server())
    with Proxy(lambda: server.port) as proxy:
        proxy.change(proxy.up, piece_len=piece_len)
        proxy.change(proxy.down, piece_len=piece_len)
        bot = links.join(proxy.port, tls=papers.client())
        bot.add_events(10)
        bot.wait_acknowledged()
    assert [event.seq for event in ears.events] == list(range(1, 11))


def test_a_tls_link_cut_anywhere_comes_back_and_loses_nothing(links: Links, papers: Papers) -> None:
    server, ears = links.serve(tls=papers.server(), secret=SECRET)
    with Proxy(lambda: server.port) as proxy:
        bot = links.join(proxy.port, tls=papers.client(), secret=SECRET, backoff_cap_s=0.002)
        bot.add_events(2)
        bot.wait_acknowledged()
        whole, count = proxy.bytes_up, 2
        for cut_after in range(0, whole, 61):
            bot.outbox.add(2)
            count += 2
            proxy.cut_next_after(up=cut_after)
            bot.client.wake_outbox()
            bot.wait_acknowledged()
    assert [event.seq for event in ears.events] == list(range(1, count + 1))


def test_a_bot_of_another_issuer_is_refused(links: Links, papers: Papers, forged: Papers) -> None:
    server, ears = links.serve(tls=papers.server())
    bot = links.join(server.port, tls=forged.client(ca_file=papers.ca_file))
    wait_until(lambda: ears.refused, PATIENCE_S, "the refusal")
    wait_reason(bot, "TLS")
    assert ears.refused[0][2] == "tls"
    assert not ears.connected


def test_a_bot_without_a_certificate_is_refused(links: Links, papers: Papers) -> None:
    context = ssl.create_default_context(cafile=str(papers.ca_file))
    server, ears = links.serve(tls=papers.server())
    bot = links.join(server.port, tls=context)
    wait_until(lambda: ears.refused, PATIENCE_S, "the refusal")
    assert ears.refused[0][2:] == ("tls", "TLS: peer did not return a certificate")
    wait_reason(bot, "certificate required")
    assert not ears.connected


def test_a_bridge_of_another_issuer_is_refused(
    links: Links, papers: Papers, forged: Papers
) -> None:
    server, ears = links.serve(tls=forged.server())
    bot = links.join(server.port, tls=papers.client())
    wait_reason(bot, "certificate verify failed: self-signed certificate")
    wait_until(lambda: ears.refused, PATIENCE_S, "the server knows too")
    assert not ears.connected


def test_a_bridge_under_another_name_is_refused(links: Links, papers: Papers) -> None:
    server, ears = links.serve(tls=papers.server("bridge.example"))
    bot = links.join(server.port, tls=papers.client())
    wait_reason(bot, "IP address mismatch")
    assert not ears.connected


def test_a_bridge_is_checked_by_name_too(links: Links, papers: Papers) -> None:
    server, ears = links.serve(tls=papers.server("localhost"))
    bot = links.join(server.port, host="localhost", tls=papers.client())
    bot.wait_connected()
    assert not ears.refused


def test_an_older_tls_is_refused(links: Links, papers: Papers) -> None:
    context = papers.client()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    server, ears = links.serve(tls=papers.server())
    bot = links.join(server.port, tls=context)
    wait_reason(bot, "TLS")
    wait_until(lambda: ears.refused, PATIENCE_S, "the server knows why")
    assert not ears.connected


def test_a_plain_bot_is_refused_by_a_tls_bridge(links: Links, papers: Papers) -> None:
    server, ears = links.serve(tls=papers.server())
    bot = links.join(server.port)
    wait_until(lambda: ears.refused, PATIENCE_S, "the refusal")
    assert ears.refused[0][2] == "tls"
    wait_reason(bot, "this bridge speaks TLS, the peer does not")
    assert bot.state.phase == "refused"


def test_a_tls_bot_is_refused_by_a_plain_bridge(links: Links, papers: Papers) -> None:
    server, ears = links.serve()
    bot = links.join(server.port, tls=papers.client())
    wait_until(lambda: ears.refused, PATIENCE_S, "the refusal")
    assert ears.refused[0][2] == "frame_length"
    assert "the peer speaks TLS" in ears.refused[0][3]
    wait_reason(bot, "TLS")


def test_a_three_field_peer_is_never_served_where_tls_is_on(links: Links, papers: Papers) -> None:
    server, ears = links.serve(tls=papers.server(), limits=QUICK)
    with RawPeer(server.port) as speaking, RawPeer(server.port) as silent:
        speaking.say(three_fields("message", "Bought BTC/USDT"))
        speaking.wait_end()
        silent.wait_end()
    assert not ears.connected
    assert {code for _name, _address, code, _text in ears.refused} == {"tls", "handshake_timeout"}


def test_rubbish_in_the_middle_of_tls_ends_that_connection_only(
    links: Links, papers: Papers
) -> None:
    server, ears = links.serve(tls=papers.server())
    with Proxy(lambda: server.port) as proxy:
        bot = links.join(proxy.port, tls=papers.client(), backoff_cap_s=0.002)
        other = links.join(server.port, name="other", instance="other", tls=papers.client())
        bot.wait_connected()
        other.wait_connected()
        proxy.inject_up(b"\x17\x03\x03\x00\x20" + b"rubbish!" * 4)
        wait_until(lambda: len(ears.connected) == 3, PATIENCE_S, "the bot is back")
        bot.add_events(3)
        bot.wait_acknowledged()
        assert [info.name for info, _reason, _clean in ears.disconnected] == ["paper"]
