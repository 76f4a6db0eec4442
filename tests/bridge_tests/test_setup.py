"""The setup: a person with a phone, a fake Telegram, and the files that come out of it."""

import io
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from daemonkit.clock import SystemClock
from daemonkit.errors import ConfigurationError, UnavailableError
from daemonkit.secrets import Secret
from tcpproto.vocabulary import Role
from telegram.bridge.config import load_config
from telegram.bridge.hearing.access import load_access
from telegram.bridge.setup.conversation import TEST_TEXT
from telegram.bridge.setup.person import StandardPerson, says_yes
from telegram.bridge.setup.run import run_setup
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi

CODE = re.compile(
    r"^\s*(?:or send the bot this message: )?(/(?:start|here)\S* [0-9a-f]{15})$", re.MULTILINE
)
OTHER_TOKEN = "7001234567:BBOtherTokenThatNobodyHasEverAccepted0"

OnCode = Callable[[str], object]


class ScriptedPerson:
    """Answer from a list, and act when a code is shown."""

    def __init__(self, *answers: str, secret: str = "", on_codes: tuple[OnCode, ...] = ()) -> None:
        self._answers = list(answers)
        self._secret = secret
        self._on_codes = list(on_codes)
        self.told: list[str] = []
        self.asked: list[str] = []

    @property
    def text(self) -> str:
        """All that was shown."""
        return "\n".join((*self.told, *self.asked))

    def tell(self, text: str) -> None:
        self.told.append(text)
        for command in CODE.findall(text):
            self._on_codes.pop(0)(command)

    def ask(self, prompt: str) -> str:
        self.asked.append(prompt)
        return self._answers.pop(0) if self._answers else ""

    def ask_secret(self, prompt: str) -> str:
        self.asked.append(prompt)
        return self._secret


@pytest.fixture
def api() -> Iterator[FakeBotApi]:
    with FakeBotApi() as server:
        yield server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the setup a root of its own, so that no real configuration is touched."""
    return tmp_path


@pytest.fixture
def ann(api: FakeBotApi) -> Phone:
    return api.phone(api.person("Ann", username="ann"))


def environ(api: FakeBotApi, root: Path, **more: str) -> dict[str, str]:
    return {"TELEGRAM_BASE_URL": api.base_url, "VAR_DIR": str(root / "var"), **more}


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_person_is_found_by_the_code_and_the_bridge_may_start(
    api: FakeBotApi, root: Path, ann: Phone
) -> None:
    person = ScriptedPerson(secret=api.token, on_codes=(ann.say,))
    run_setup(None, environ(api, root), SystemClock(), person, root=root)
    file = root / "telegram.yaml"
    assert mode_of(file) == 0o600
    access = load_access(load_config(file, {}).settings.telegram, {})
    assert access.users == {ann.person.id: Role.ADMIN}
    assert ann.texts == [TEST_TEXT]
    assert re.search(r"https://t\.me/desk_bot\?start=[0-9a-f]{15}", person.text)
    assert api.token not in person.text + file.read_text()
    assert "TELEGRAM_BOT_TOKEN=…" in person.told[-1]


def test_a_group_and_a_topic_are_found_by_their_codes(
    api: FakeBotApi, root: Path, ann: Phone
) -> None:
    group = api.rooms.group("Desk", [ann.person])
    forum = api.rooms.supergroup("Forum", [ann.person], topics=["Trades"])
    (thread,) = forum.topics
    in_group, in_topic = api.phone(ann.person, group), api.phone(ann.person, forum, thread=thread)
    person = ScriptedPerson(
        *("y", "y", "n"), secret=api.token, on_codes=(ann.say, in_group.say, in_topic.say)
    )
    run_setup(None, environ(api, root), SystemClock(), person, root=root)
    said = yaml.safe_load((root / "telegram.yaml").read_text())["telegram"]
    assert said["chats"] == [{"id": group.id}, {"id": forum.id, "thread": thread}]
    assert (in_group.texts, in_topic.texts) == ([TEST_TEXT], [TEST_TEXT])
    assert "privacy mode is on" in person.text


def test_only_the_code_counts_and_only_from_the_person_themselves(
    api: FakeBotApi, root: Path, ann: Phone
) -> None:
    eve = api.phone(api.person("Eve"))
    group = api.rooms.group("Desk", [ann.person, eve.person])
    ann_there, eve_there = api.phone(ann.person, group), api.phone(eve.person, group)

    def guess_then_say(command: str) -> None:
        eve.say("/start")
        eve.say("/start 000000000000000")
        ann.say(command.replace("/start", "/here"))
        ann.say(command)

    def steal_then_say(command: str) -> None:
        eve_there.say(command)
        ann_there.say(command)

    person = ScriptedPerson("y", secret=api.token, on_codes=(guess_then_say, steal_then_say))
    run_setup(None, environ(api, root), SystemClock(), person, root=root)
    said = yaml.safe_load((root / "telegram.yaml").read_text())["telegram"]
    assert said["users"] == {ann.person.id: "admin"}
    assert said["chats"] == [{"id": group.id}]
    assert eve.texts == []


def test_what_the_file_says_already_stays_and_no_copy_is_written_over_another(
    api: FakeBotApi, root: Path, ann: Phone
) -> None:
    file = root / "telegram.yaml"
    old = "# mine\nlog_level: DEBUG\ntelegram:\n  users: {5: viewer}\n  chats: [{id: -9}]\n"
    for copy in ("telegram.yaml.before-setup", "telegram.yaml.before-setup-2"):
        file.write_text(old)
        person = ScriptedPerson("n", "y", secret=api.token, on_codes=(ann.say,))
        run_setup(None, environ(api, root), SystemClock(), person, root=root)
        assert (root / copy).read_text() == old
    settings = load_config(file, {}).settings
    assert settings.log_level == "DEBUG"
    assert settings.telegram.users == {ann.person.id: Role.ADMIN, 5: Role.VIEWER}
    assert [one.id for one in settings.telegram.chats] == [-9]
    written = file.read_text()
    person = ScriptedPerson("n", "n", secret=api.token, on_codes=(ann.say,))
    run_setup(None, environ(api, root), SystemClock(), person, root=root)
    assert f"{file} says all of this already." in person.told
    assert (file.read_text(), len(list(root.glob("*.yaml*")))) == (written, 3)


def test_the_token_is_kept_only_when_asked_and_then_privately(
    api: FakeBotApi, root: Path, ann: Phone
) -> None:
    person = ScriptedPerson("n", "yes", secret=api.token, on_codes=(ann.say,))
    run_setup(root / "other.yaml", environ(api, root), SystemClock(), person, root=root)
    folder = root / "var" / "telegram" / "credentials"
    file = folder / "telegram_bot_token"
    assert file.read_text().strip() == api.token
    assert (mode_of(file), mode_of(folder)) == (0o600, 0o700)
    command = f"./run_telegram.sh --config {root / 'other.yaml'}"
    assert person.told[-1] == f"Start the bridge: CREDENTIALS_DIRECTORY={folder} {command}"
    assert (root / "other.yaml").exists()
    again = ScriptedPerson(on_codes=(ann.say,))
    found = environ(api, root, CREDENTIALS_DIRECTORY=str(folder))
    run_setup(root / "other.yaml", found, SystemClock(), again, root=root)
    assert len(again.asked) == 1
    assert again.told[-1] == f"Start the bridge: {command}"


@pytest.mark.parametrize("secret", ["", "nonsense", OTHER_TOKEN])
def test_a_wrong_token_ends_it_and_is_not_shown(api: FakeBotApi, root: Path, secret: str) -> None:
    api.expect_refusal("unauthorized|not found")
    person = ScriptedPerson(secret=secret)
    with pytest.raises(ConfigurationError, match="TELEGRAM_BOT_TOKEN") as caught:
        run_setup(None, environ(api, root), SystemClock(), person, root=root)
    assert caught.value.exit_code == 78
    assert not secret or secret not in person.text + str(caught.value)
    assert not (root / "telegram.yaml").exists()


def test_a_webhook_is_taken_away_only_with_a_yes(api: FakeBotApi, root: Path, ann: Phone) -> None:
    api.expect_refusal("webhook")
    api.world.updates.set_webhook("https://elsewhere.example/hook", drop_pending=False)
    person = ScriptedPerson("n", secret=api.token)
    with pytest.raises(UnavailableError, match="webhook"):
        run_setup(None, environ(api, root), SystemClock(), person, root=root)
    assert api.world.updates.webhook_url
    person = ScriptedPerson("y", secret=api.token, on_codes=(ann.say,))
    run_setup(None, environ(api, root), SystemClock(), person, root=root)
    assert not api.world.updates.webhook_url
    assert ann.texts == [TEST_TEXT]


def test_another_poller_is_told_of_once(api: FakeBotApi, root: Path, ann: Phone) -> None:
    api.expect_refusal("terminated by other getUpdates")
    rival = api.rival(pause_s=0.05)

    def say_when_the_rival_has_gone(command: str) -> None:
        rival.__exit__(None, None, None)
        ann.say(command)

    rival.__enter__()
    api.wait(lambda: api.world.updates.waiting, "the rival polls")
    person = ScriptedPerson(secret=api.token, on_codes=(say_when_the_rival_has_gone,))
    run_setup(None, environ(api, root), SystemClock(), person, root=root)
    assert person.text.count("Another program asks for this bot's messages") <= 1
    assert ann.texts == [TEST_TEXT]


def test_an_unreachable_telegram_ends_it(api: FakeBotApi, root: Path) -> None:
    api.go_down()
    person = ScriptedPerson(secret=api.token)
    with pytest.raises(UnavailableError, match="cannot be reached"):
        run_setup(None, environ(api, root), SystemClock(), person, root=root)


def test_over_a_pipe_lines_are_read_and_the_token_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{OTHER_TOKEN}\n yes \n"))
    monkeypatch.setattr("os.isatty", lambda _descriptor: False)
    person = StandardPerson()
    secret = Secret(person.ask_secret("The token:"))
    assert secret.reveal() == OTHER_TOKEN
    assert says_yes(person, "Shall I?")
    assert not says_yes(person, "At the end of input?")
    person.tell(f"it is {OTHER_TOKEN}")
    assert OTHER_TOKEN not in capsys.readouterr().out


def test_nobody_is_asked_when_there_is_no_place_to_write(api: FakeBotApi, root: Path) -> None:
    person = ScriptedPerson(secret=api.token)
    file = root / "no such folder" / "telegram.yaml"
    with pytest.raises(ConfigurationError, match="found no folder that this user can write"):
        run_setup(file, environ(api, root), SystemClock(), person, root=root)
    assert (person.text, api.requests()) == ("", [])


def test_a_stop_that_came_while_it_was_loaded_counts(api: FakeBotApi, root: Path) -> None:
    person = ScriptedPerson(secret=api.token)
    with pytest.raises(UnavailableError, match="nothing was written"):
        run_setup(
            None, environ(api, root), SystemClock(), person, root=root, is_stopped=lambda: True
        )
    assert (person.asked, api.requests()) == ([], [])
