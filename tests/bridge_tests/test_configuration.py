"""telegram.yaml, the environment and the command line: what is allowed, and what is said else."""

import re
from pathlib import Path
from typing import TypeGuard, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from daemonkit.endpoint import DEFAULT_HOST, DEFAULT_PORT
from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret, redact
from telegram.bridge.access import check_token
from telegram.bridge.config import ROOT, BridgeSettings, load_config
from telegram.bridge.hearing.access import load_access
from telegram.bridge.options import Options, UsageError, parse_options
from telegram.bridge.telegram_config import TelegramSection

TOKEN = "123456789:" + "A" * 35


def _load(tmp_path: Path, text: str) -> BridgeSettings:
    file = tmp_path / "telegram.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, {}).settings


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    config = load_config(None, {"VAR_DIR": str(tmp_path / "var")}, root=tmp_path)
    assert config.settings == BridgeSettings()
    assert config.file is None
    assert config.database == tmp_path / "var" / "telegram" / "bridge.db"


def test_the_shipped_example_says_every_default_there_is() -> None:
    example = ROOT / "telegram.example.yaml"
    settings = load_config(example, {}).settings
    # The address is said too, though it is daemonkit's default and not the model's.
    assert (settings.link.host, settings.link.port) == (DEFAULT_HOST, DEFAULT_PORT)
    link = settings.link.model_copy(update={"host": None, "port": None})
    assert settings.model_copy(update={"link": link}) == BridgeSettings()
    text = example.read_text(encoding="utf-8")
    said = yaml.safe_load(text.replace("  # tls:", "  tls:"))
    assert keys_said(said) == keys_of(BridgeSettings)
    uncommented = re.findall(r"^ *[a-z_]+: +[^ #\n].*$", text, re.MULTILINE)
    assert [line for line in uncommented if " # " not in line] == []


def keys_said(said: object, path: str = "") -> set[str]:
    """Return the dotted keys of what a file says; people and chats have no fixed ones."""
    if not isinstance(said, dict) or not said:
        return {path}
    return {key for name, inner in said.items() for key in keys_said(inner, f"{path}.{name}")}


def keys_of(model: type[BaseModel], path: str = "") -> set[str]:
    """Return the dotted keys that a model knows."""
    found = set()
    for name, field in model.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        if get_origin(field.annotation) is tuple:
            kinds = ()
        inner = next((one for one in kinds if is_section(one)), None)
        here = f"{path}.{name}"
        found |= {here} if inner is None else keys_of(inner, here)
    return found


def is_section(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def test_every_variable_that_is_read_is_in_the_handbook_and_no_other() -> None:
    name = r"\b(?:(?:TELEGRAM|LINK)_[A-Z_]+|VAR_DIR|VENV|CREDENTIALS_DIRECTORY)\b"
    sources = (
        path.read_text(encoding="utf-8")
        for folder in ("daemonkit", "telegram", "tcpproto", "trading")
        for path in (ROOT / folder).rglob("*.py")
    )
    read = {one for text in sources for one in re.findall(rf"[\"']({name})[\"']", text)}
    handbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = handbook.partition("## Environment")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    told = {one for row in rows for one in re.findall(name, row.split("|")[1])}
    assert told - {"VENV"} == read, "VENV is of the scripts"


def test_a_file_in_the_root_is_read_unasked(tmp_path: Path) -> None:
    (tmp_path / "telegram.yaml").write_text("log_level: debug\n")
    assert load_config(None, {}, root=tmp_path).settings.log_level == "DEBUG"


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.yaml"):
        load_config(tmp_path / "missing.yaml", {})


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("log_levle: INFO", ["log_levle", "an unknown key", "log_level"]),
        ("commands: {grace: 3}", ["commands.grace", "grace_s"]),
        ("log_level: LOUD", ["log_level", "'LOUD'", "DEBUG"]),
        ("stop_timeout_s: 61", ["stop_timeout_s", "61", "60"]),
        ("keep: {event_days: 0}", ["keep.event_days", "0"]),
        ("link: {heartbeat_s: 20}", ["link", "heartbeat_s below dead_after_s"]),
        ("- a list", ["telegram.yaml"]),
    ],
)
def test_a_mistake_names_file_key_value_and_what_is_allowed(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _load(tmp_path, text)
    for part in ("telegram.yaml", *parts):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    "token", [None, "", "token", "123:short", f" {TOKEN}", f"{TOKEN} x", "wrong-" * 9]
)
def test_a_missing_or_malformed_token_is_refused_without_being_shown(token: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_token(None if token is None else Secret(token))
    assert "TELEGRAM_BOT_TOKEN" in str(caught.value)
    assert not token or len(token) < 6 or token not in str(caught.value)


def test_a_token_of_the_right_shape_passes() -> None:
    assert check_token(Secret(TOKEN)).reveal() == TOKEN


@pytest.mark.parametrize(
    ("environ", "users"),
    [
        ({}, set()),
        ({"TELEGRAM_CHAT_ID": "42"}, {42}),
        ({"TELEGRAM_CHAT_ID": "-100123", "TELEGRAM_USER_IDS": "7, 8 9"}, {7, 8, 9}),
        ({"TELEGRAM_CHAT_ID": "42", "TELEGRAM_USER_IDS": "7"}, {7}),
    ],
)
def test_the_users_are_those_listed_or_the_one_of_a_private_chat(
    environ: dict[str, str], users: set[int]
) -> None:
    assert set(load_access(TelegramSection(), environ).users) == users


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"TELEGRAM_CHAT_ID": "-100123"}, "TELEGRAM_USER_IDS"),
        ({"TELEGRAM_CHAT_ID": "my_chat_id"}, "TELEGRAM_CHAT_ID"),
        ({"TELEGRAM_CHAT_ID": "0"}, "TELEGRAM_CHAT_ID"),
        ({"TELEGRAM_CHAT_ID": "9999999999999999999"}, "TELEGRAM_CHAT_ID"),
        ({"TELEGRAM_USER_IDS": "9999999999999999999"}, "TELEGRAM_USER_IDS"),
        ({"TELEGRAM_USER_IDS": "1,@name"}, "TELEGRAM_USER_IDS"),
        ({"TELEGRAM_USER_IDS": "-5"}, "TELEGRAM_USER_IDS"),
    ],
)
def test_a_group_without_users_and_words_for_numbers_are_refused(
    environ: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        load_access(TelegramSection(), environ)


def test_the_command_line_is_read() -> None:
    assert parse_options([]) == Options()
    assert parse_options(["--json"]) == Options(console=True, json=True)
    assert parse_options(["--console", "--wait-for-bot", "2.5"]).wait_for_bot_s == 2.5
    assert parse_options(["backup", "/x/y"]) == Options(action="backup", file=Path("/x/y"))
    assert parse_options(["--config", "/a.yaml"]).config == Path("/a.yaml")


def test_a_misspelt_option_is_named_itself() -> None:
    with pytest.raises(UsageError, match="unrecognized arguments: --conf "):
        parse_options(["--conf", "x"])
    with pytest.raises(UsageError, match="found 'stop', allowed options or setup, backup, restore"):
        parse_options(["stop"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--consol"],
        ["stop"],
        ["backup"],
        ["setup", "x"],
        ["restore", "a", "b"],
        ["--wait-for-bot", "soon"],
        ["--wait-for-bot", "-1"],
        ["--config"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(UsageError):
        parse_options(arguments)


@pytest.mark.parametrize("name", ["TELEGRAM_BASE_URL", "TELEGRAM_PROXY"])
@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1:8081", "ftp://x/bot", "http://", "http://x:99999/bot", "http://a b/bot"),
        *("http://ä/bot", "http://[::1/bot", "socks5://127.0.0.1:1080/bot"),
    ],
)
def test_what_is_no_address_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        load_config(_file(tmp_path), {name: text})


@pytest.mark.parametrize(
    "text", ["https://api.telegram.org", "http://127.0.0.1:8081/", "https://api.telegram.org/bot/"]
)
def test_an_api_address_without_its_end_is_refused(tmp_path: Path, text: str) -> None:
    # The token, which follows it, would be taken for a part of the host.
    with pytest.raises(ConfigurationError, match=r"TELEGRAM_BASE_URL.*/bot"):
        load_config(_file(tmp_path), {"TELEGRAM_BASE_URL": text})


def test_the_password_of_a_proxy_is_never_shown(tmp_path: Path) -> None:
    proxy = "http://me:hidden-from-all@10.0.0.1:3128"
    settings = load_config(_file(tmp_path), {"TELEGRAM_PROXY": proxy}).settings.telegram
    assert settings.bot_settings(Secret(TOKEN)).proxy == proxy
    assert "hidden-from-all" not in redact("the password hidden-from-all")
    with pytest.raises(ConfigurationError) as caught:
        load_config(_file(tmp_path), {"TELEGRAM_PROXY": "ftp://me:another-of-these@10.0.0.1"})
    assert "another-of-these" not in str(caught.value)


def _file(tmp_path: Path) -> Path:
    file = tmp_path / "telegram.yaml"
    file.touch()
    return file
