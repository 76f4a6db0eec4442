"""The link with certificates on both sides, between both real programs.

The address is on this machine, but not the usual one, so a certificate for another name fails.
"""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.process.installation import (
    PATIENCE_S,
    Installation,
    ask,
    assert_no_traceback,
    last_error,
    wait_connected,
)
from tests.process.scripted_bridge import json_frame
from tests.waiting import wait_until

HOST = "127.0.0.2"
ENV = {"LINK_HOST": HOST}


@dataclass
class Certificates:
    """Certificates of one issuer, in files."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self._ca = trustme.CA()
        self._ca.cert_pem.write_to_path(str(self.folder / "ca.pem"))

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str, issuer: Path | None = None) -> str:
        """Make a certificate for a name or address; return the `link.tls` section to use it."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        issued = self._ca.issue_cert(name)
        issued.cert_chain_pems[0].write_to_path(str(cert))
        issued.private_key_pem.write_to_path(str(key))
        files = f"cert_file: {cert}, key_file: {key}, ca_file: {issuer or self.ca_file}"
        return f"tls: {{{files}}}"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path / "certificates")


def configure(here: Installation, bridge: str, bot: str) -> None:
    here.configure_bridge(f"link: {{{bridge}}}\n")
    here.configure_bot(f"link: {{reconnect_longest_s: 0.1, {bot}}}\n")


def test_both_programs_meet_over_tls_and_do_everything_as_ever(
    here: Installation, certificates: Certificates
) -> None:
    configure(here, certificates.issue(HOST), certificates.issue("paper.bots.invalid"))
    bridge = here.start_bridge(**ENV)
    trading = here.start_trading("--alerts", "300", "--interval", "0", **ENV)
    here.wait_for_alerts(300, 300)
    assert here.alerts(300) == list(range(1, 301))
    assert ask(bridge, "/getstatus").startswith("[applied]")
    wait_until(here.forwarded_log.exists, PATIENCE_S, "the log is forwarded")
    bridge.kill()
    second = here.start_bridge(**ENV)
    wait_connected(second)
    for process in (trading, second):
        assert process.stop() == 0
    assert_no_traceback(bridge, trading, second)


def test_a_peer_without_a_certificate_is_refused_and_harms_nobody(
    here: Installation, certificates: Certificates
) -> None:
    configure(here, certificates.issue(HOST), certificates.issue("paper.bots.invalid"))
    bridge = here.start_bridge(**ENV)
    context = ssl.create_default_context(cafile=str(certificates.ca_file))
    with (
        socket.create_connection((HOST, here.port), 10) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as peer,
        pytest.raises(ssl.SSLError, match=r"(?i)certificate required"),
    ):
        peer.recv(1)
    bridge.wait_for(r"refused a peer from 127.0.0.1:\d+: .*certificate")
    with socket.create_connection((HOST, here.port), 10) as peer:
        peer.sendall(json_frame("hello", {"version": "1.0"}))
        peer.settimeout(10)
        assert b"welcome" not in peer.recv(1000)
    trading = here.start_trading(**ENV)
    wait_connected(bridge)
    for process in (trading, bridge):
        assert process.stop() == 0
    assert_no_traceback(bridge, trading)


@pytest.mark.parametrize(
    "wrong",
    [
        "bot's issuer",
        pytest.param("bridge's name", marks=pytest.mark.long),
        pytest.param("bridge's issuer", marks=pytest.mark.long),
        pytest.param("no TLS", marks=pytest.mark.long),
    ],
)
def test_what_does_not_fit_is_refused_in_words_and_no_bot_connects(
    here: Installation, certificates: Certificates, tmp_path: Path, wrong: str
) -> None:
    others = Certificates(tmp_path / "others")
    sides = {
        "bot's issuer": (
            certificates.issue(HOST),
            others.issue("paper.bots.invalid", certificates.ca_file),
        ),
        "bridge's issuer": (
            others.issue(HOST, certificates.ca_file),
            certificates.issue("paper.bots.invalid"),
        ),
        "bridge's name": (
            certificates.issue("127.0.0.3"),
            certificates.issue("paper.bots.invalid"),
        ),
        "no TLS": (certificates.issue(HOST), "heartbeat_s: 4"),
    }
    configure(here, *sides[wrong])
    bridge = here.start_bridge(**ENV)
    trading = here.start_trading(**ENV)
    trading.wait_for("link refused: " if wrong != "no TLS" else "link (refused|connecting): ")
    assert "0 bots connected" in ask(bridge, "/ping")
    for process in (trading, bridge):
        assert process.stop() == 0
    assert_no_traceback(bridge, trading)


@pytest.mark.parametrize("program", ["trading", "telegram"])
def test_off_this_machine_a_secret_may_not_be_switched_off(
    here: Installation, certificates: Certificates, program: str
) -> None:
    files = certificates.issue("192.0.2.7")
    configure(here, files, files)
    start = here.launch_trading if program == "trading" else here.launch_bridge
    process = start(LINK_HOST="192.0.2.7", LINK_SECRET_FILE="")
    assert process.wait() == 78, process.describe()
    assert "LINK_SECRET_FILE: found an empty value" in last_error(process)
