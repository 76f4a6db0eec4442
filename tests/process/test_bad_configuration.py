"""What a person gets wrong, in either program: the exit code, and one line that says what to do.

Both programs share the rules, so each mistake is made in both.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.process.installation import Installation, assert_no_traceback, last_error
from tests.processes import ROOT, RunningProcess

Environment = dict[str, str | None]
BOTH = pytest.mark.parametrize("program", ["trading", "telegram"])
# Each is a start of its own; those that share their way to the end with another one are `long`.
LONG = pytest.mark.long


def launch(here: Installation, program: str, env: Environment) -> RunningProcess:
    process = (here.launch_trading if program == "trading" else here.launch_bridge)(**env)
    process.close_stdin()
    return process


def file_of(here: Installation, program: str) -> Path:
    return here.bot_file if program == "trading" else here.bridge_file


def check_refusal(process: RunningProcess, *words: str) -> None:
    """The exit code is 78, and the last line says what was found where, and what is allowed."""
    assert process.wait() == 78, process.describe()
    line = last_error(process)
    assert line.startswith("error: "), process.describe()
    for word in (*words, "found", "allowed"):
        assert word in line, process.describe()
    assert "ready" not in process.stderr.splitlines()
    assert process.stdout == ""
    assert_no_traceback(process)


WRONG_FILES = [
    pytest.param("log_levle: DEBUG\n", ["log_levle", "log_level"], id="misspelt key"),
    pytest.param(
        "link: {prot: 1}\n", ["link.prot", "allowed port"], id="misspelt inner key", marks=LONG
    ),
    pytest.param("stop_timeout_s: soon\n", ["stop_timeout_s", "soon"], id="wrong type"),
    pytest.param("stop_timeout_s: 61\n", ["stop_timeout_s", "61"], id="beyond a limit", marks=LONG),
    pytest.param("link: {port: 99999}\n", ["link.port", "99999"], id="no such port", marks=LONG),
    pytest.param("link: [1, 2]\n", ["link"], id="a list for a section", marks=LONG),
    pytest.param("- a\n- b\n", [], id="no mapping", marks=LONG),
    pytest.param("log_level: [INFO\n", ["line"], id="broken YAML"),
    pytest.param(
        "log_level: INFO\nlog_level: DEBUG\n", ["log_level"], id="a key twice", marks=LONG
    ),
    pytest.param(
        "log_level: !!python/object:os.system {}\n", [], id="YAML that would run code", marks=LONG
    ),
    pytest.param("a: &a [*a]\n", [], id="YAML that holds itself", marks=LONG),
    pytest.param("log_level: \udcff\n", [], id="not UTF-8", marks=LONG),
    pytest.param(
        "link: {tls: {cert_file: no.pem, key_file: no.pem, ca_file: no.pem}}\n",
        ["no.pem"],
        id="TLS files missing",
        marks=LONG,
    ),
]


@BOTH
@pytest.mark.parametrize(("text", "words"), WRONG_FILES)
def test_a_mistake_in_the_file_names_file_and_key_and_what_is_allowed(
    here: Installation, program: str, text: str, words: list[str]
) -> None:
    file = file_of(here, program)
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    check_refusal(launch(here, program, {}), str(file), *words)


ONLY_TRADING = [
    pytest.param("dry_run: false\n", ["dry_run", "paper"], id="live trading"),
    pytest.param("name: telegram\n", ["name", "telegram"], id="the bridge's own name"),
    pytest.param(
        "feed: {kind: replay, file: nowhere.csv, symbol: BTC/USDT}\n",
        ["nowhere.csv"],
        id="no market data",
        marks=LONG,
    ),
    pytest.param("feed: {kind: live}\n", ["feed", "live"], id="no such feed", marks=LONG),
    pytest.param("mode: both\n", ["mode", "long_only"], id="no such mode", marks=LONG),
]


@pytest.mark.parametrize(("text", "words"), ONLY_TRADING)
def test_a_bot_that_cannot_be_run_is_refused(
    here: Installation, text: str, words: list[str]
) -> None:
    here.bot_file.write_text(text)
    check_refusal(launch(here, "trading", {}), str(here.bot_dir), *words)


def test_a_folder_whose_name_fits_no_bot_needs_a_name(here: Installation) -> None:
    folder = here.folder / "My Bot"
    folder.mkdir()
    (folder / "config.yaml").write_text("exchange: paper\n")
    process = here.processes.start(ROOT / "run_trading.sh", folder)
    check_refusal(process, "name", "My Bot", "a-z 0-9 _ -")


@pytest.mark.parametrize(
    "what",
    [
        "no folder",
        *(pytest.param(what, marks=LONG) for what in ("no file", "a file", "an unreadable file")),
    ],
)
def test_a_bot_without_a_configuration_is_refused(here: Installation, what: str) -> None:
    folder = here.folder / "other"
    if what == "a file":
        folder.write_text("exchange: paper\n")
    elif what != "no folder":
        folder.mkdir()
    if what == "an unreadable file":
        (folder / "config.yaml").mkdir()
    check_refusal(here.processes.start(ROOT / "run_trading.sh", folder), str(folder))


def test_a_bridge_whose_named_configuration_is_missing_is_refused(here: Installation) -> None:
    here.bridge_file.unlink()
    check_refusal(launch(here, "telegram", {}), str(here.bridge_file))


def _secret_file(here: Installation, mode: int, text: str) -> str:
    file = here.folder / "my.secret"
    file.write_text(text)
    file.chmod(mode)
    return str(file)


def surrounding(
    name: str, surround: Callable[[Installation], Environment], *words: str, long: bool = True
) -> ParameterSet:
    return pytest.param(surround, words, id=name, marks=[LONG] if long else [])


WRONG_SURROUNDINGS = [
    surrounding("port that is a word", lambda _: {"LINK_PORT": "http"}, "LINK_PORT", "http"),
    surrounding("port that is too high", lambda _: {"LINK_PORT": "70000"}, "LINK_PORT", "70000"),
    surrounding("host with a port", lambda _: {"LINK_HOST": "localhost:1"}, "LINK_HOST", "port"),
    surrounding(
        "off this machine without TLS",
        lambda _: {"LINK_HOST": "192.0.2.7"},
        *("link.tls", "192.0.2.7"),
        long=False,
    ),
    surrounding(
        "off this machine without TLS and secret",
        lambda _: {"LINK_HOST": "0.0.0.0", "LINK_SECRET_FILE": ""},
        "link.tls",
    ),
    surrounding(
        "secret that others may read",
        lambda here: {"LINK_SECRET_FILE": _secret_file(here, 0o644, "s" * 64)},
        *("my.secret", "0644", "0600"),
        long=False,
    ),
    surrounding(
        "secret that is too short",
        lambda here: {"LINK_SECRET_FILE": _secret_file(here, 0o600, "short")},
        *("my.secret", "16"),
    ),
    surrounding(
        "secret that is empty",
        lambda here: {"LINK_SECRET_FILE": _secret_file(here, 0o600, "\n")},
        "my.secret",
    ),
    surrounding(
        "secret that is not there",
        lambda here: {"LINK_SECRET_FILE": str(here.folder / "nowhere")},
        *("LINK_SECRET_FILE", "nowhere"),
    ),
]


@BOTH
@pytest.mark.parametrize(("surround", "words"), WRONG_SURROUNDINGS)
def test_a_mistake_in_the_environment_is_named_too(
    here: Installation,
    program: str,
    surround: Callable[[Installation], Environment],
    words: list[str],
) -> None:
    check_refusal(launch(here, program, surround(here)), *words)


def of_telegram(name: str, text: str, *words: str, long: bool = True) -> ParameterSet:
    return pytest.param(f"telegram: {{{text}}}\n", words, id=name, marks=[LONG] if long else [])


ONLY_TELEGRAM = [
    of_telegram("token in the file", "token: x", "telegram.token", "an unknown key", long=False),
    of_telegram(
        "a name for a chat", "chats: [{id: '@desk'}]", "telegram.chats[0].id", "whole number"
    ),
    of_telegram("a chat without its key", "chats: [-100123]", "telegram.chats[0]", "a mapping"),
    of_telegram("a name for a person", "users: {ann: admin}", "telegram.users.ann", "whole number"),
    of_telegram("no such role", "users: {42: boss}", "telegram.users.42", "boss", "'trader'"),
    of_telegram("no role", "users: {42: }", "telegram.users.42", "nothing", "'viewer'"),
    of_telegram("a list of people", "users: [42]", "telegram.users", "a list", "a mapping"),
    of_telegram(
        "a person twice", "users: {42: viewer, '042': admin}", "telegram.users.042", long=False
    ),
    of_telegram(
        "a chat twice",
        "users: {42: admin}, chats: [{id: -5}, {id: -6}, {id: -5}]",
        *("telegram.chats", "not twice -5"),
    ),
    of_telegram(
        "a group without people", "chats: [{id: -5}]", "telegram.users", "-5 is a group", long=False
    ),
    of_telegram("polls for ever", "polling: {poll_s: 3600}", "telegram.polling.poll_s", "50"),
    pytest.param("watchdog: {poll_silence_s: 20}\n", ["telegram.polling.poll_s"], marks=LONG),
    pytest.param("outbox: {log_share: 1.5}\n", ["outbox.log_share", "1.5"], marks=LONG),
    pytest.param("# " + "x" * 1_100_000, ["over 1 MiB"], id="huge", marks=LONG),
]


@pytest.mark.parametrize(("text", "words"), ONLY_TELEGRAM)
def test_a_mistake_about_people_and_chats_is_one_line(
    here: Installation, text: str, words: list[str]
) -> None:
    here.configure_bridge(text)
    process = launch(here, "telegram", {})
    check_refusal(process, str(here.bridge_file), *words)
    assert process.stderr.count("error: ") == 1


def _credential(here: Installation, data: bytes | None) -> Environment:
    path = here.folder / "credentials" / "telegram_bot_token"
    path.parent.mkdir()
    if data is None:
        path.mkdir()
    else:
        path.write_bytes(data)
    return {"CREDENTIALS_DIRECTORY": str(path.parent)}


GOOD_TOKEN = "123456789:" + "A" * 35


@pytest.mark.parametrize(
    ("surround", "words"),
    [
        surrounding(
            "no token",
            lambda _: {"TELEGRAM_BOT_TOKEN": None},
            *("TELEGRAM_BOT_TOKEN", "nothing", "@BotFather"),
            long=False,
        ),
        surrounding(
            "half a token", lambda _: {"TELEGRAM_BOT_TOKEN": "123:AA"}, "TELEGRAM_BOT_TOKEN"
        ),
        surrounding("an empty credential", lambda here: _credential(here, b"\n"), "empty"),
        surrounding("a credential of bytes", lambda here: _credential(here, b"\xff"), "UTF-8"),
        surrounding("a credential of 1 MB", lambda here: _credential(here, b"x" * 10**6), "64 KiB"),
        surrounding("a folder for a credential", lambda here: _credential(here, None), "readable"),
        surrounding(
            "a name for a chat",
            lambda _: {"TELEGRAM_CHAT_ID": "@desk"},
            *("TELEGRAM_CHAT_ID", "@desk", "a number such as"),
            long=False,
        ),
        surrounding(
            "a number that is too long",
            lambda _: {"TELEGRAM_CHAT_ID": "9" * 19},
            "TELEGRAM_CHAT_ID",
        ),
        surrounding(
            "a group without people", lambda _: {"TELEGRAM_CHAT_ID": "-100"}, "TELEGRAM_USER_IDS"
        ),
        surrounding(
            "a name for a person", lambda _: {"TELEGRAM_USER_IDS": "42, @ann"}, "@ann", "numbers"
        ),
        surrounding(
            "an address without its end",
            lambda _: {"TELEGRAM_BASE_URL": "https://api.telegram.org"},
            *("TELEGRAM_BASE_URL", "/bot"),
            long=False,
        ),
        surrounding(
            "a proxy without its protocol",
            lambda _: {"TELEGRAM_PROXY": "127.0.0.1:3128"},
            *("TELEGRAM_PROXY", "http://HOST:PORT"),
        ),
    ],
)
def test_a_token_or_a_chat_that_cannot_be_is_one_line(
    here: Installation, surround: Callable[[Installation], Environment], words: list[str]
) -> None:
    env = {"TELEGRAM_BOT_TOKEN": GOOD_TOKEN} | surround(here)
    script, options = ROOT / "run_telegram.sh", ("--config", here.bridge_file)
    process = here.processes.start(script, *options, env=env)
    check_refusal(process, *words)
    assert process.stderr.count("error: ") == 1
    assert GOOD_TOKEN not in process.stderr


@BOTH
def test_a_made_secret_that_was_opened_to_others_is_refused(
    here: Installation, program: str
) -> None:
    here.var_dir.mkdir()
    secret = here.var_dir / "link.secret"
    secret.write_text("s" * 64)
    secret.chmod(0o640)
    check_refusal(launch(here, program, {}), str(secret), "0640", "chmod 600")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["run_trading.sh", "--nonsense"], "--nonsense"),
        pytest.param(["run_trading.sh", "bots/paper", "bots/other"], "bots/other", marks=LONG),
        pytest.param(["run_trading.sh", "--alerts", "many"], "many", marks=LONG),
        pytest.param(["run_trading.sh", "--interval", "-1"], "-1", marks=LONG),
        (["run_telegram.sh", "--nonsense"], "--nonsense"),
        pytest.param(["run_telegram.sh", "start"], "start", marks=LONG),
        pytest.param(["run_telegram.sh", "--config"], "--config", marks=LONG),
        (["run_telegram.sh", "restore"], "restore"),
        pytest.param(["run_telegram.sh", "--console", "backup"], "backup", marks=LONG),
    ],
)
def test_wrong_use_of_a_script_exits_2_and_says_how(
    here: Installation, command: list[str], words: str
) -> None:
    script, *arguments = command
    process = here.processes.run(ROOT / script, *arguments)
    assert process.returncode == 2, process.describe()
    assert words in last_error(process)
    assert "error: " in last_error(process)
    assert process.stdout == ""
    assert not here.var_dir.exists(), "nothing was begun"
