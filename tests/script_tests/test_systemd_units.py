"""The units as systemd reads them: it finds nothing wrong, and they lock their programs in."""

import re
import shutil
from pathlib import Path

import pytest

from telegram.bridge.pictures.worker import MEMORY_MAX
from tests.processes import ROOT, Processes

UNITS = ("trading@.service", "telegram.service")
EXPOSURE_MAX = 3.0
needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def _settings(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (ROOT / "systemd" / unit).read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", maxsplit=1)
            found.setdefault(key, []).append(value)
    return found


def _seconds(value: str) -> float:
    assert value.endswith("s")
    return float(value[:-1])


@pytest.fixture
def rendered(processes: Processes, tmp_path: Path) -> list[Path]:
    """The units as the installer writes them for this checkout, the template as one bot."""
    done = processes.run(ROOT / "scripts/install-systemd", "--root", tmp_path / "root")
    assert done.returncode == 0, done.describe()
    installed = tmp_path / "root/etc/systemd/system"
    bot = tmp_path / "trading@paper.service"
    shutil.copy(installed / "trading@.service", bot)
    return [bot, installed / "telegram.service"]


@needs_analyze
def test_systemd_finds_nothing_wrong_with_the_units(
    processes: Processes, rendered: list[Path]
) -> None:
    for unit in rendered:
        done = processes.run(
            "systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)
        )
        assert (done.returncode, done.stderr) == (0, "")


@needs_analyze
def test_systemd_rates_the_units_as_well_locked_in(
    processes: Processes, rendered: list[Path]
) -> None:
    for unit in rendered:
        done = processes.run("systemd-analyze", "security", "--offline=true", str(unit))
        exposure = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
        assert exposure is not None, done.describe()
        assert float(exposure[1]) < EXPOSURE_MAX


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_starts_its_program_again_unless_a_person_is_needed(unit: str) -> None:
    settings = _settings(unit)
    assert settings["Type"] == ["notify"]
    assert settings["Restart"] == ["on-failure"]
    assert settings["RestartPreventExitStatus"] == ["2 78"]
    assert settings["StartLimitIntervalSec"] == ["0"]
    assert settings["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


@pytest.mark.parametrize("unit", UNITS)
def test_a_stop_is_given_longer_than_the_longest_that_can_be_configured(unit: str) -> None:
    assert _seconds(_settings(unit)["TimeoutStopSec"][0]) > 60


def test_each_watchdog_is_slower_than_what_feeds_it() -> None:
    assert _seconds(_settings("trading@.service")["WatchdogSec"][0]) >= 10
    # A long poll takes 30 s and is given 60 s, and the longest pause after a failure is 60 s.
    assert _seconds(_settings("telegram.service")["WatchdogSec"][0]) >= 120


def test_the_two_programs_are_two_users_with_a_folder_each_and_a_secret_in_common() -> None:
    bot, bridge = (_settings(unit) for unit in UNITS)
    assert bot["User"] != bridge["User"]
    assert bot["StateDirectory"] == ["tradebridge/%i"]
    assert bridge["StateDirectory"] == ["tradebridge/telegram"]
    secret = "link_secret:/etc/tradebridge/credentials/link_secret"
    assert bot["LoadCredential"] == [secret]
    assert bridge["LoadCredential"] == [
        secret,
        "telegram_bot_token:/etc/tradebridge/credentials/telegram_bot_token",
    ]
    for settings in (bot, bridge):
        assert "VAR_DIR=%S/tradebridge" in settings["Environment"][0].split()


def test_the_users_of_the_units_are_made() -> None:
    users = (ROOT / "systemd/tradebridge.sysusers").read_text(encoding="utf-8")
    for unit in UNITS:
        assert f"u {_settings(unit)['User'][0]} " in users


def test_what_draws_pictures_cannot_use_up_the_memory_of_the_bridge() -> None:
    unit = _settings("telegram.service")
    assert unit["MemoryMax"] == ["1G"]
    assert MEMORY_MAX <= 2**30 / 2
    assert unit["OOMPolicy"] == ["continue"]
