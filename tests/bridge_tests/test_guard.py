"""Who gets in: the link's secret and certificates as the bridge sets them up."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from daemonkit.endpoint import TlsFiles
from tcpproto.tls import build_client_context
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot, ThreeFieldPeer
from tests.waiting import wait_until

MakeBridge = Callable[..., Harness]
MakeBot = Callable[..., ScriptedBot]


def test_a_bot_with_the_secret_gets_in(make_bridge: MakeBridge, make_bot: MakeBot) -> None:
    bridge = make_bridge(secret="a long link secret")
    make_bot(bridge, secret="a long link secret")
    assert "guard    secret" in bridge.say("/health").text


def test_a_peer_without_it_is_refused_and_that_is_worth_one_line(
    make_bridge: MakeBridge, closing: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "telegram.bridge.link_ears")
    bridge = make_bridge(secret="a long link secret")
    bot = ScriptedBot(bridge.port, secret="another link secret")
    closing.callback(bot.stop)
    wait_until(lambda: bot.phases.count("refused") >= 1, 8.0, "the refusal")
    peer = ThreeFieldPeer(bridge.port)
    closing.callback(peer.close)
    peer.send("hello")
    wait_until(
        lambda: any("secret" in one.getMessage() for one in caplog.records), 8.0, "a warning"
    )
    bridge.turn()
    assert bridge.chat.messages == {}
    assert bridge.bridge.parts.sessions.known() == []
    lines = [one.getMessage() for one in caplog.records if one.name.endswith("link_ears")]
    assert len(lines) == len(set(lines)) <= 2


def test_with_tls_both_sides_show_a_certificate(
    make_bridge: MakeBridge, make_bot: MakeBot, tmp_path: Path
) -> None:
    authority = trustme.CA()
    files = {}
    for name in ("bridge", "bot"):
        issued = authority.issue_cert("127.0.0.1")
        key, certificate = tmp_path / f"{name}.key", tmp_path / f"{name}.pem"
        issued.private_key_pem.write_to_path(key)
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(certificate, append=number > 0)
        files[name] = (certificate, key)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    bridge = make_bridge(secret="a long link secret", tls=TlsFiles(*files["bridge"], trusted))
    bot = make_bot(
        bridge, secret="a long link secret", tls=build_client_context(*files["bot"], trusted)
    )
    assert "guard    secret, TLS" in bridge.say("/health").text
    bridge.say("/getstatus")
    bridge.turn_until(lambda: bot.commands, "a command over TLS")
