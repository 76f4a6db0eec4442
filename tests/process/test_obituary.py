"""A bot that is killed, as a person at the console hears of it; and both programs as two users."""

import os
import shutil
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.process.installation import (
    PATIENCE_S,
    Installation,
    ask,
    assert_no_traceback,
    outcome_lines,
    wait_connected,
)
from tests.processes import ROOT, Processes, RunningProcess
from tests.waiting import wait_until

QUICK = "obituary: {after_s: 0.5, steady_s: 0.3, restart_s: 2}\n"
BOT = "status_interval_s: 0.1\n"
TRADING_UID, TELEGRAM_UID = 64_001, 64_002


def said(here: Installation, kind: str) -> list[str]:
    """Return what the bridge has said of bots, the oldest first."""
    return [event.text for event in here.events() if event.kind == kind]


def wait_said(here: Installation, kind: str, count: int) -> str:
    """Wait until something of that kind was said so often, and return the last of it."""
    wait_until(lambda: len(said(here, kind)) >= count, PATIENCE_S, f"{count} times {kind}")
    return said(here, kind)[-1]


def buy(bridge: RunningProcess) -> None:
    """Buy, and wait until the bridge knows of the position."""
    before = len(outcome_lines(bridge))
    bridge.write("/buy BTC/USDT 0.01\nyes\n")
    wait_until(lambda: len(outcome_lines(bridge)) > before, PATIENCE_S, "the purchase")
    assert outcome_lines(bridge)[-1].startswith("[applied] /buy"), bridge.describe()

    def is_known() -> bool:
        shown = len(bridge.stdout)
        assert ask(bridge, "/flatten\ncancel").startswith("[rejected] /flatten")
        return "closes 1 position," in bridge.stdout[shown:]

    wait_until(is_known, PATIENCE_S, f"the position in a status\n{bridge.describe()}")


def forwarded_text(here: Installation) -> str:
    """Return what was forwarded so far."""
    return here.forwarded_log.read_text("utf-8") if here.forwarded_log.exists() else ""


def test_a_killed_bot_is_announced_with_its_position_and_its_return_is_told(
    here: Installation,
) -> None:
    here.configure_bot(BOT)
    here.configure_bridge(QUICK)
    bridge, first = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    buy(bridge)
    first.send_signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in forwarded_text(here), PATIENCE_S, "a forwarded line")
    first.kill()
    obituary = wait_said(here, "bot_lost", 1)
    assert obituary.startswith("LOST, no word for ")
    for line in ("main PAPER", "1 open position:", "BTC/USDT LONG 0.01", "last log lines:"):
        assert line in obituary.splitlines()
    assert " PAPER: its stop acts when the\n  bot is back" in obituary
    assert " INFO reloaded" in obituary.split("last log lines:")[1]
    # The console shows it as it shows the bot's own alerts.
    bridge.wait_for(r"^#\d+ paper critical: LOST, no word for", stream="stdout")
    second = here.start_trading()
    assert "1 open position: BTC/USDT" in wait_said(here, "bot_back", 1)
    bridge.wait_for(r"^#\d+ paper notice: BACK after", stream="stdout")
    assert second.stop() == 0
    assert wait_said(here, "bot_stopped", 1) == "has stopped: asked to stop"
    assert bridge.stop() == 0
    assert len(said(here, "bot_lost")) == 1
    assert_no_traceback(bridge, first, second)


def test_a_restarted_bridge_repeats_no_obituary_and_misses_who_died_meanwhile(
    here: Installation,
) -> None:
    here.configure_bot(BOT)
    here.configure_bridge(QUICK)
    bridge, bot = here.start_bridge(), here.start_trading()
    wait_connected(bridge)
    bridge.kill()
    bot.kill()
    second = here.start_bridge()
    obituary = wait_said(here, "bot_lost", 1)
    assert "not seen since the bridge" in obituary
    assert second.stop() == 0
    third, again = here.start_bridge(), here.start_trading()
    wait_said(here, "bot_back", 1)

    assert again.stop() == 0
    wait_said(here, "bot_stopped", 1)
    assert third.stop() == 0
    assert len(said(here, "bot_lost")) == 1
    assert_no_traceback(bridge, second, third, bot, again)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users reach, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="tradebridge-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _as_user(uid: int) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")


@pytest.fixture
def python(processes: Processes) -> Path:
    """A Python of this version that every user may run, which one in a home is not."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can start programs as other users")
    name = f"python3.{sys.version_info.minor}"
    for found in (
        Path(sys.executable).resolve(),
        Path("/usr/local/bin", name),
        Path("/usr/bin", name),
    ):
        if processes.run(*_as_user(TRADING_UID), found, "-V", cwd=Path("/")).returncode == 0:
            return found
    pytest.skip(f"{name} is not there for every user")


def test_both_programs_run_as_two_users_that_share_no_folder(
    processes: Processes, open_folder: Path, python: Path
) -> None:
    """As under systemd: a folder of its own for each below a VAR_DIR that neither may write."""
    var_dir = open_folder / "var"
    var_dir.mkdir(mode=0o755)
    for name, uid in (("paper", TRADING_UID), ("telegram", TELEGRAM_UID)):
        _give(var_dir / name, uid)
        credentials = open_folder / f"credentials-{name}"
        _give(credentials, uid)
        (credentials / "link_secret").write_text("a secret of sixteen letters\n", encoding="ascii")
    bot_dir = open_folder / "bots/paper"
    bot_dir.mkdir(parents=True)
    shutil.copy(ROOT / "bots/paper/config.yaml", bot_dir)

    def start(
        name: str, uid: int, package: str, *options: str | Path, **env: str
    ) -> RunningProcess:
        common = {
            "VAR_DIR": str(var_dir),
            "CREDENTIALS_DIRECTORY": str(open_folder / f"credentials-{name}"),
            "PYTHONPATH": sysconfig.get_path("purelib"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        launch = f"from {package}.main import main; main()"
        process = processes.start(*_as_user(uid), python, "-c", launch, *options, env=common | env)
        process.wait_for("^ready$", timeout_s=PATIENCE_S)
        return process

    bridge = start("telegram", TELEGRAM_UID, "telegram", "--console")
    port = (var_dir / "telegram/link.port").read_text(encoding="ascii").strip()
    bot = start("paper", TRADING_UID, "trading", bot_dir, LINK_PORT=port)
    wait_connected(bridge)
    for process, uid in ((bridge, TELEGRAM_UID), (bot, TRADING_UID)):
        assert psutil.Process(process.pid).uids().effective == uid
    assert sorted(path.name for path in var_dir.iterdir()) == ["paper", "telegram"]
    bot.send_signal(signal.SIGTERM)
    assert bot.wait() == 0
    assert bridge.stop() == 0
    assert_no_traceback(bridge, bot)


def _give(folder: Path, uid: int) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, uid, uid)
