"""The telegram process as systemd meets it: readiness, goodbye, and a reload."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bridge_tests.program_tests.programs import start_bridge
from tests.bridge_tests.scripted_bot import ScriptedBot
from tests.processes import Processes
from tests.waiting import wait_until


def test_systemd_is_told_when_it_is_ready_alive_and_stopping(
    processes: Processes, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(10)
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        process = start_bridge(processes, "--console", **env)
        assert listener.recv(1024) == b"READY=1"
        assert listener.recv(1024) == b"WATCHDOG=1"
        assert process.stop() == 0
        heard = [listener.recv(1024)]
        while heard[-1] == b"WATCHDOG=1":
            heard.append(listener.recv(1024))
        assert heard[-1] == b"STOPPING=1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_says_goodbye_and_exits_0(
    processes: Processes, connect: Callable[..., ScriptedBot], number: signal.Signals
) -> None:
    process = start_bridge(processes, "--console")
    bot = connect()
    process.send_signal(number)
    assert process.wait(10) == 0
    wait_until(lambda: bot.phases[-1] == "connecting", 5, "the goodbye")
    assert bot.client.state.detail != ""


def test_a_hangup_reloads_the_configuration_and_a_bad_one_is_refused(
    processes: Processes, tmp_path: Path
) -> None:
    config = tmp_path / "telegram.yaml"
    config.write_text("log_level: INFO\n")
    process = start_bridge(processes, "--console", "--config", str(config))
    config.write_text("log_level: NONSENSE\n")
    process.send_signal(signal.SIGHUP)
    process.wait_for("configuration is refused.*NONSENSE")
    config.write_text("log_level: DEBUG\nstop_timeout_s: 9\n")
    process.send_signal(signal.SIGHUP)
    process.wait_for("needs a restart")
    process.wait_for("configuration is reloaded")
    process.write("/ping\n")
    process.wait_for("pong", stream="stdout")
