"""The setup in a terminal, by a person with a phone: what it asks, writes, and leaves alone."""

import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback, last_error
from tests.process.phone_desk import TRADER
from tests.process.terminal import CTRL_C, CTRL_D, Terminal
from tests.processes import ROOT, RunningProcess
from tests.waiting import wait_until

TEST_TEXT = "Tradebridge can write here"
TOKEN_QUESTION = r"^The token \(it is not shown\):"
GROUP_QUESTION = r"^Shall the bot also work in a group or a topic\? \[y/N\] "
KEEP_QUESTION = r"^Keep the token in a file that only this user can read\? \[y/N\] "
CODE = r"^\s*(?:or send the bot this message: )?(/(?:start|here)\S* [0-9a-f]{15})$"

Open = Callable[..., Terminal]


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder of a person's own, whose name has a space, and terminals with the setup on them."""

    here: Installation
    api: FakeBotApi
    folder: Path
    open: Open

    @property
    def file(self) -> Path:
        """The configuration that is to come out."""
        return self.folder / "telegram.yaml"

    @property
    def files(self) -> set[str]:
        """All that lies in the folder, and the credentials."""
        kept = self.here.bridge_folder.rglob("credentials/*")
        return {one.name for one in (*self.folder.iterdir(), *kept)}

    def said(self) -> dict[str, object]:
        """Return what the written file says of Telegram."""
        section = yaml.safe_load(self.file.read_text())["telegram"]
        assert isinstance(section, dict)
        return section


@pytest.fixture
def desk(here: Installation, api: FakeBotApi) -> Iterator[Desk]:
    folder = here.folder / "my desk"
    folder.mkdir()
    with ExitStack() as stack:

        def open_terminal(**env: str | None) -> Terminal:
            arguments = (ROOT / "run_telegram.sh", "setup", "--config", folder / "telegram.yaml")
            terminal = Terminal(
                here.processes, *arguments, env={"TELEGRAM_BASE_URL": api.base_url} | env
            )
            stack.callback(terminal.close)
            return terminal

        yield Desk(here, api, folder, open_terminal)


def give_token(terminal: Terminal, token: str) -> None:
    """Type the token when it is asked for."""
    terminal.wait_for_secret_prompt(TOKEN_QUESTION)
    terminal.type(f"{token}\n")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def start_as_told(desk: Desk, terminal: Terminal) -> RunningProcess:
    """Start the bridge with the very line that the setup ended with, as a person would."""
    line = terminal.wait_for(r"^Start the bridge: (.+)$")[1]
    env = {"TELEGRAM_BASE_URL": desk.api.base_url}
    bridge = desk.here.processes.start("bash", "-c", line, env=env)
    bridge.wait_for("^ready$")
    return bridge


def test_from_the_token_to_a_bridge_that_answers_in_private_in_a_group_and_in_a_topic(
    desk: Desk, ann: Phone
) -> None:
    api = desk.api
    eve = api.phone(api.person("Eve", 666))
    group = api.rooms.group("Desk", [ann.person, eve.person])
    forum = api.rooms.supergroup("Forum", [ann.person], topics=["Trades"])
    (thread,) = forum.topics
    places = [ann, api.phone(ann.person, group), api.phone(ann.person, forum, thread=thread)]
    terminal = desk.open()
    give_token(terminal, api.token)
    for phone in places:
        command = terminal.wait_for(CODE)[1]
        for wrong in ("/start", "/start 000000000000000", command[:-1], f"{command}0"):
            eve.say(wrong)
            phone.say(wrong)
        api.phone(eve.person, group).say(command)
        phone.say(command)
        if phone is ann:
            terminal.wait_for(r"^That was Ann, number 42\.$")
        terminal.wait_for(r"^A test message is there\.$")
        terminal.wait_for(GROUP_QUESTION)
        terminal.type("no\n" if phone is places[-1] else "y\n")
    terminal.wait_for(r"/setjoingroups to @BotFather and choose Disable\.$")
    terminal.wait_for(KEEP_QUESTION)
    assert desk.files == set(), "nothing is written before all is known"
    terminal.type("y\n")
    assert terminal.wait_for(r"^Written: (.+)$")[1] == str(desk.file)
    bridge = start_as_told(desk, terminal)
    assert terminal.wait() == 0
    assert api.token not in terminal.seen
    assert "privacy mode is on, which is right" in terminal.seen
    assert (mode_of(desk.file), api.token in desk.file.read_text()) == (0o600, False)
    token_file = desk.here.bridge_folder / "credentials" / "telegram_bot_token"
    assert (mode_of(token_file), mode_of(token_file.parent)) == (0o600, 0o700)
    assert desk.said() == {
        "users": {TRADER: "admin"},
        "chats": [{"id": group.id}, {"id": forum.id, "thread": thread}],
    }
    for phone in places:
        assert [text for text in phone.texts if TEST_TEXT in text] == [phone.texts[0]]
        phone.ask("/start", r"^\[applied\] /start")
        assert not [text for text in phone.texts if text.startswith("[rejected]")], (
            "the codes are no commands of the bridge's"
        )
    assert eve.texts == []
    assert bridge.stop() == 0
    assert_no_traceback(bridge)


@pytest.mark.long
def test_a_webhook_an_open_privacy_mode_and_another_poller_are_told(desk: Desk, ann: Phone) -> None:
    api = desk.api
    api.expect_refusal("webhook|terminated by other getUpdates")
    api.world.updates.set_webhook("https://elsewhere.example/hook", drop_pending=False)
    terminal = desk.open(TELEGRAM_BOT_TOKEN=api.token)
    webhook = r"^Its messages go to a webhook of another program\. Take that away\? \[y/N\] "
    terminal.wait_for(webhook)
    terminal.type("\n")
    terminal.wait_for(r"^error: a bot with a webhook gets no messages here; make another bot")
    assert (terminal.wait(), desk.files) == (1, set())
    assert api.world.updates.webhook_url
    api.world.is_privacy_on = False
    group = api.rooms.group("Desk", [ann.person])
    terminal = desk.open(TELEGRAM_BOT_TOKEN=api.token)
    terminal.wait_for(webhook)
    terminal.type("y\n")
    command = terminal.wait_for(CODE)[1]
    assert not api.world.updates.webhook_url
    with api.rival(pause_s=0.05):
        terminal.wait_for(r"^Another program asks for this bot's messages .*\n?.*/revoke")
    ann.say(command)
    terminal.wait_for(GROUP_QUESTION)
    terminal.type("y\n")
    command = terminal.wait_for(CODE)[1]
    terminal.wait_for(r"^Its privacy mode is off, .*/setprivacy at @BotFather, then Enable\.$")
    api.phone(ann.person, group).say(command)
    terminal.wait_for(GROUP_QUESTION)
    terminal.type("n\n")
    assert terminal.wait() == 0
    assert terminal.seen.count("Another program asks") == 1
    assert api.token not in terminal.seen
    assert "Keep the token" not in terminal.seen, "it was given, so it is kept somewhere"


MINE = """\
# mine
log_level: DEBUG
telegram:
  users: {5: viewer}
  chats: [{id: -9, events: false}]
"""


def test_a_configuration_that_is_there_is_added_to_only_with_a_yes(desk: Desk, ann: Phone) -> None:
    api, file = desk.api, desk.file
    file.write_text(MINE)

    def run(answer: str) -> Terminal:
        terminal = desk.open(TELEGRAM_BOT_TOKEN=api.token)
        ann.say(terminal.wait_for(CODE)[1])
        terminal.wait_for(GROUP_QUESTION)
        terminal.type("n\n")
        terminal.wait_for(r"telegram\.yaml is there already\. Add this to it\?\ntelegram:$")
        terminal.wait_for(r"a copy is kept beside it\. \[y/N\] ")
        assert file.read_text() == MINE
        terminal.type(f"{answer}\n")
        assert terminal.wait() == 0, terminal.seen
        return terminal

    terminal = run("no")
    terminal.wait_for(
        r"telegram\.yaml stays as it is\. What it needs, for you to write:\ntelegram:$"
    )
    assert (file.read_text(), desk.files) == (MINE, {file.name})
    run("y").wait_for(rf"^Written: .* \(before: .*{file.name}\.before-setup\)$")
    assert yaml.safe_load(file.read_text()) == {
        "log_level": "DEBUG",
        "telegram": {
            "users": {TRADER: "admin", 5: "viewer"},
            "chats": [{"id": -9, "events": False}],
        },
    }
    assert (desk.folder / f"{file.name}.before-setup").read_text() == MINE


def _at_the_token(terminal: Terminal, _ann: Phone, _token: str) -> None:
    terminal.wait_for_secret_prompt(TOKEN_QUESTION)


def _while_the_code_is_awaited(terminal: Terminal, _ann: Phone, token: str) -> None:
    give_token(terminal, token)
    terminal.wait_for(CODE)


def _at_the_group(terminal: Terminal, ann: Phone, token: str) -> None:
    give_token(terminal, token)
    ann.say(terminal.wait_for(CODE)[1])
    terminal.wait_for(GROUP_QUESTION)


def _at_the_last_question(terminal: Terminal, ann: Phone, token: str) -> None:
    _at_the_group(terminal, ann, token)
    terminal.type("n\n")
    terminal.wait_for(KEEP_QUESTION)


@pytest.mark.parametrize(
    "reach",
    [
        pytest.param(_at_the_token, marks=pytest.mark.long),
        pytest.param(_while_the_code_is_awaited, marks=pytest.mark.long),
        _at_the_group,
        pytest.param(_at_the_last_question, marks=pytest.mark.long),
    ],
)
def test_ctrl_c_ends_the_setup_at_once_and_nothing_is_half_done(
    desk: Desk, ann: Phone, reach: Callable[[Terminal, Phone, str], None]
) -> None:
    terminal = desk.open()
    reach(terminal, ann, desk.api.token)
    terminal.type(CTRL_C)
    terminal.wait_for(r"^error: stopped before the end; nothing was written$")
    assert terminal.wait() == 1, "what comes after && is not to run"
    assert terminal.shows_typing, "the terminal is left as it was found"
    assert desk.files == set()
    assert "Traceback" not in terminal.seen
    assert desk.api.token not in terminal.seen


@pytest.mark.long
def test_a_terminal_that_goes_away_takes_the_setup_with_it(desk: Desk, ann: Phone) -> None:
    terminal = desk.open()
    _at_the_group(terminal, ann, desk.api.token)
    terminal.hang_up()
    wait_until(lambda: not desk.here.processes.alive(), PATIENCE_S, "the end of the setup")
    assert desk.files == set()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (CTRL_D, "nothing"),
        pytest.param("12345:short\n", "a value that is not shown", marks=pytest.mark.long),
    ],
)
def test_without_a_token_it_says_what_is_missing(desk: Desk, typed: str, found: str) -> None:
    terminal = desk.open()
    terminal.wait_for_secret_prompt(TOKEN_QUESTION)
    terminal.type(typed)
    terminal.wait_for(rf"^error: .*TELEGRAM_BOT_TOKEN: found {found}.*, allowed a bot token ")
    assert (terminal.wait(), desk.files) == (78, set())
    assert "short" not in terminal.seen
    assert "Traceback" not in terminal.seen


def test_without_a_terminal_one_line_says_what_is_missing(desk: Desk) -> None:
    script = ROOT / "run_telegram.sh"
    process = desk.here.processes.run(script, "setup", "--config", desk.file)
    assert process.returncode == 78
    assert last_error(process) == process.stderr.strip()
    assert re.search(r"^error: .*TELEGRAM_BOT_TOKEN: found nothing, allowed", process.stderr)
    assert_no_traceback(process)
    assert desk.files == set()


@pytest.mark.long
@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd is not installed")
def test_on_a_server_the_installation_asks_for_the_token_and_leads_through_the_same(
    here: Installation, api: FakeBotApi, ann: Phone, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    script = ROOT / "scripts" / "install-systemd"
    assert here.processes.run(script, "--root", root).returncode == 0
    config = root / "etc" / "tradebridge"
    env = {"TELEGRAM_BASE_URL": api.base_url}
    with closing(Terminal(here.processes, script, "setup", "--root", root, env=env)) as terminal:
        terminal.wait_for_secret_prompt(r"^The bot's token, from @BotFather \(it is not shown\): ")
        terminal.type(f"{api.token}\n")
        ann.say(terminal.wait_for(CODE)[1])
        terminal.wait_for(GROUP_QUESTION)
        terminal.type("n\n")
        terminal.wait_for(r"telegram\.yaml is there already\. Add this to it\?$")
        terminal.wait_for(r"\[y/N\] ")
        terminal.type("y\n")
        terminal.wait_for(r"^as a service: systemctl enable --now telegram\.service$")
        assert terminal.wait() == 0
        assert api.token not in terminal.seen
    assert mode_of(config / "credentials" / "telegram_bot_token") == 0o600
    assert mode_of(config / "telegram.yaml") == 0o640
    said = yaml.safe_load((config / "telegram.yaml").read_text())["telegram"]
    assert said["users"] == {TRADER: "admin"}
