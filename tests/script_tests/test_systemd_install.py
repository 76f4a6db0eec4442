"""scripts/install-systemd: into a folder, twice, over an older version, and away again."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.processes import ROOT, Processes, RunningProcess

SCRIPT = ROOT / "scripts/install-systemd"
CONFIG = Path("etc/tradebridge")
UNITS = Path("etc/systemd/system")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
needs_users = pytest.mark.skipif(
    shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed"
)
pytestmark = needs_users


class Tree:
    """A folder that stands for the root of a machine."""

    def __init__(self, processes: Processes, root: Path) -> None:
        self._processes = processes
        self.root = root

    def call(self, *arguments: str, **env: str | None) -> RunningProcess:
        return self._processes.run(SCRIPT, *arguments, "--root", self.root, env=env)

    def install(self, *arguments: str, **env: str | None) -> list[str]:
        done = self.call(*arguments, **env)
        assert done.returncode == 0, done.describe()
        return done.stdout.splitlines()

    def say_to_setup(self, text: str) -> RunningProcess:
        return self._processes.run(SCRIPT, "setup", "--root", self.root, stdin=text)

    def read(self, path: Path | str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def mode(self, path: Path | str) -> int:
        return stat.S_IMODE((self.root / path).stat().st_mode)

    def owners(self, path: Path | str) -> tuple[str, str]:
        """Return user and group by the names that they have in this tree."""
        found = (self.root / path).stat()
        return self._name("passwd", found.st_uid), self._name("group", found.st_gid)

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    def _name(self, file: str, number: int) -> str:
        if number == 0:
            return "root"
        rows = [line.split(":") for line in self.read(f"etc/{file}").splitlines()]
        return next(row[0] for row in rows if row[2] == str(number))


@pytest.fixture
def tree(processes: Processes, tmp_path: Path) -> Tree:
    root = tmp_path / "root"
    root.mkdir()
    return Tree(processes, root)


def test_an_installation_is_complete_and_its_secrets_are_closed(tree: Tree) -> None:
    tree.install()
    assert len(tree.read(CONFIG / "credentials/link_secret").strip()) == 64
    assert tree.read(CONFIG / "credentials/telegram_bot_token").strip() == ""
    for secret in ("credentials/link_secret", "credentials/telegram_bot_token"):
        assert tree.mode(CONFIG / secret) == 0o600
    assert tree.mode(CONFIG / "keys") == tree.mode(CONFIG / "credentials") == 0o700
    for file in ("telegram.yaml", "bots/paper/config.yaml"):
        assert tree.mode(CONFIG / file) == 0o640
    assert f"ExecStart={ROOT}/run_telegram.sh" in tree.read(UNITS / "telegram.service")
    assert f"ExecStart={ROOT}/run_trading.sh" in tree.read(UNITS / "trading@.service")
    assert "/opt/" not in tree.read(UNITS / "trading@.service")


@needs_root
def test_each_program_reads_its_own_configuration_and_root_alone_the_secrets(tree: Tree) -> None:
    tree.install()
    assert tree.owners(CONFIG / "telegram.yaml") == ("root", "tradebridge-telegram")
    assert tree.owners(CONFIG / "bots/paper") == ("root", "tradebridge-trading")
    assert tree.owners(CONFIG / "bots/paper/config.yaml") == ("root", "tradebridge-trading")
    for secret in ("credentials", "credentials/link_secret", "keys"):
        assert tree.owners(CONFIG / secret) == ("root", "root")


def test_a_second_installation_changes_nothing(tree: Tree) -> None:
    tree.install()
    before = tree.files()
    assert tree.install()[0] == "nothing to change"
    assert tree.files() == before


def test_an_upgrade_renews_the_units_and_keeps_what_a_person_wrote(tree: Tree) -> None:
    tree.install("--bot", "kraken")
    own = {
        CONFIG / "credentials/link_secret": "a secret of our own\n",
        CONFIG / "credentials/telegram_bot_token": "123:abc\n",
        CONFIG / "telegram.yaml": "log_level: DEBUG\n",
        CONFIG / "bots/kraken/config.yaml": "exchange: paper\n",
    }
    for path, text in own.items():
        (tree.root / path).write_text(text, encoding="utf-8")
    unit = tree.root / UNITS / "telegram.service"
    newest = unit.read_text(encoding="utf-8")
    unit.write_text(newest.replace("WatchdogSec=150s\n", ""), encoding="utf-8")
    assert tree.install()[0] == "update /etc/systemd/system/telegram.service"
    assert unit.read_text(encoding="utf-8") == newest
    assert {path: tree.read(path) for path in own} == own


def test_a_configuration_that_was_closed_to_its_program_is_opened_to_it(tree: Tree) -> None:
    tree.install()
    (tree.root / CONFIG / "telegram.yaml").chmod(0o600)
    (tree.root / CONFIG / "credentials/telegram_bot_token").chmod(0o644)
    tree.install()
    assert tree.mode(CONFIG / "telegram.yaml") == 0o640
    assert tree.mode(CONFIG / "credentials/telegram_bot_token") == 0o600


def test_bots_are_added_with_a_name_of_their_own(tree: Tree) -> None:
    tree.install("--bot", "kraken", "--bot", "long-only_2")
    assert "\nname: kraken " in tree.read(CONFIG / "bots/kraken/config.yaml")
    assert "\nname: long-only_2 " in tree.read(CONFIG / "bots/long-only_2/config.yaml")
    assert not (tree.root / CONFIG / "bots/paper").exists()
    for name in ("telegram", "all", "Long Only", "../x"):
        done = tree.call("--bot", name)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_keys_are_handed_to_their_bot_alone_and_no_longer_once_they_are_gone(tree: Tree) -> None:
    tree.install("--bot", "kraken", "--bot", "paper")
    keys = tree.root / CONFIG / "keys/kraken"
    for name in ("main_key", "main_secret", "notes.txt"):
        (keys / name).write_text("planted\n", encoding="utf-8")
    dropin = UNITS / "trading@kraken.service.d/50-credentials.conf"
    assert f"write /{dropin}" in tree.install()
    assert tree.read(dropin).splitlines()[1:] == [
        "[Service]",
        "LoadCredential=main_key:/etc/tradebridge/keys/kraken/main_key",
        "LoadCredential=main_secret:/etc/tradebridge/keys/kraken/main_secret",
    ]
    assert tree.mode(CONFIG / "keys/kraken/main_key") == 0o600
    assert "planted" not in tree.read(dropin)
    assert not (tree.root / UNITS / "trading@paper.service.d").exists()
    for file in keys.iterdir():
        file.unlink()
    tree.install()
    assert not (tree.root / dropin).exists()


def test_a_dry_run_says_what_it_would_do_and_does_nothing(tree: Tree) -> None:
    said = tree.install("--dry-run")
    assert "would write /etc/tradebridge/credentials/link_secret" in said
    assert all(line.startswith("would ") for line in said[:-1])
    assert said[-1] == "nothing was done: run it without --dry-run, as root (sudo)"
    assert tree.files() == {}


def test_a_newer_systemd_waits_longer_after_each_failure(tree: Tree, tmp_path: Path) -> None:
    newer = tmp_path / "bin/systemctl"
    newer.parent.mkdir()
    newer.write_text('#!/bin/sh\necho "systemd 255 (255.4)"\n', encoding="ascii")
    newer.chmod(0o755)
    tree.install(PATH=f"{newer.parent}:{os.environ['PATH']}")
    unit = tree.read(UNITS / "telegram.service")
    assert "\nRestartSec=1s\nRestartSteps=6\nRestartMaxDelaySec=60s\n" in unit


def test_a_unit_of_another_program_is_left_alone(tree: Tree) -> None:
    unit = tree.root / UNITS / "telegram.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\nExecStart=/usr/bin/telegram\n", encoding="utf-8")
    before = tree.files()
    done = tree.call()
    assert done.returncode == 78
    assert done.stderr == (
        "error: /etc/systemd/system/telegram.service: found a unit of another program, "
        "left untouched; move it away\n"
    )
    assert tree.files() == before


def test_an_uninstallation_keeps_what_a_person_wrote(tree: Tree) -> None:
    tree.install()
    foreign = tree.root / UNITS / "trading@paper.service.d/override.conf"
    foreign.parent.mkdir()
    foreign.write_text("[Service]\nNice=5\n", encoding="utf-8")
    kept = {name for name in tree.files() if name.startswith(str(CONFIG))}
    done = tree.call("uninstall")
    assert done.returncode == 0, done.describe()
    assert not list((tree.root / UNITS).glob("*.service"))
    assert foreign.exists()
    assert kept <= set(tree.files())
    assert tree.call("uninstall").stdout == "nothing is installed\n"


@pytest.mark.parametrize("arguments", [["--bogus"], ["--bot"], ["install", "again"]])
def test_wrong_use_is_one_line_and_2(processes: Processes, arguments: list[str]) -> None:
    done = processes.run(SCRIPT, *arguments)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith("error: install-systemd: ")


@needs_root
def test_an_ordinary_user_is_told_to_be_root(processes: Processes) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    done = processes.run(*user, SCRIPT, "--no-venv", "--prefix", "/opt/tradebridge", cwd=Path("/"))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "run it as root" in done.stderr


def test_setup_takes_a_token_that_it_never_shows_and_leaves_the_files_as_they_must_be(
    tree: Tree,
) -> None:
    assert tree.call("setup").returncode == 1, "nothing is installed yet"
    tree.install()
    wrong = tree.say_to_setup("not a token\n")
    assert (wrong.returncode, wrong.stderr.count("error: ")) == (78, 1)
    assert tree.read(CONFIG / "credentials/telegram_bot_token").strip() == ""
    # Nobody answers there: what was typed stays, and the setup says in words why it ended.
    token = "123456789:" + "A" * 35
    yaml = "telegram: {base_url: 'http://127.0.0.1:9/bot'}\n"
    (tree.root / CONFIG / "telegram.yaml").write_text(yaml, encoding="utf-8")
    done = tree.say_to_setup(f"{token}\n")
    assert done.returncode not in (0, 2), done.describe()
    assert token not in done.stdout + done.stderr
    assert tree.read(CONFIG / "credentials/telegram_bot_token") == f"{token}\n"
    assert tree.mode(CONFIG / "credentials/telegram_bot_token") == 0o600
    assert tree.mode(CONFIG / "telegram.yaml") == 0o640
