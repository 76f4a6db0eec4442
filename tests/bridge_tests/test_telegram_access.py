"""Who may speak where: the section `telegram` of the configuration, under the environment."""

from pathlib import Path
from typing import Any

import pytest

from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret
from tcpproto.vocabulary import Role
from telegram.bridge.config import load_config
from telegram.bridge.hearing.access import TelegramAccess, load_access
from telegram.bridge.messenger import Place
from telegram.bridge.telegram_config import ChatEntry, TelegramSection

GROUP = -1_001_234


def access(environ: dict[str, str] | None = None, **section: Any) -> TelegramAccess:
    return load_access(TelegramSection.model_validate(section), environ or {})


def test_nobody_is_listed_by_default() -> None:
    assert access() == TelegramAccess()
    assert access().event_places == ()


def test_the_environment_s_private_chat_is_its_person_and_an_admin() -> None:
    found = access({"TELEGRAM_CHAT_ID": "42"})
    assert found.users == {42: Role.ADMIN}
    assert found.event_places == (Place(42),)
    assert found.admins == (Place(42),)


def test_the_environment_s_users_win_and_keep_the_roles_of_the_file() -> None:
    found = access({"TELEGRAM_USER_IDS": "7, 8"}, users={7: "viewer", 9: "admin"})
    assert found.users == {7: Role.VIEWER, 8: Role.ADMIN}


def test_the_environment_s_chat_takes_the_place_of_the_listed_ones_and_keeps_its_topic() -> None:
    chats = [{"id": GROUP, "thread": 7}, {"id": -5}]
    found = access({"TELEGRAM_CHAT_ID": str(GROUP)}, users={7: "trader"}, chats=chats)
    assert found.chats == (ChatEntry(id=GROUP, thread=7),)
    other = access({"TELEGRAM_CHAT_ID": "-6"}, users={7: "trader"}, chats=chats)
    assert other.chats == (ChatEntry(id=-6),)


@pytest.mark.parametrize(
    ("environ", "section", "named"),
    [
        ({"TELEGRAM_CHAT_ID": "-6"}, {}, "environment: TELEGRAM_USER_IDS"),
        ({}, {"chats": [{"id": -6}]}, "telegram.yaml: telegram.users"),
    ],
)
def test_a_group_without_users_ends_the_start(
    environ: dict[str, str], section: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"{named}.*being in it is not enough") as caught:
        access(environ, **section)
    assert caught.value.exit_code == 78


def test_each_topic_is_a_place_of_its_own() -> None:
    whole = access(users={7: "trader"}, chats=[{"id": GROUP}])
    assert whole.hears(Place(GROUP))
    assert not whole.hears(Place(GROUP, 3))
    topic = access(users={7: "trader"}, chats=[{"id": GROUP, "thread": 3}])
    assert topic.hears(Place(GROUP, 3))
    assert not topic.hears(Place(GROUP))
    assert topic.knows_group(GROUP)
    assert not topic.knows_group(-1)
    assert topic.hears(Place(7))
    assert not topic.hears(Place(8))


def test_events_go_to_the_chats_that_want_them_else_to_everybody_in_private() -> None:
    assert access(users={7: "viewer", 8: "admin"}).event_places == (Place(7), Place(8))
    chats = [{"id": GROUP, "thread": 3}, {"id": 7, "events": False}]
    assert access(users={7: "viewer"}, chats=chats).event_places == (Place(GROUP, 3),)


def test_every_place_is_known_before_anybody_has_written() -> None:
    chats = [{"id": GROUP, "thread": 3, "events": False}, {"id": 7}]
    found = access(users={7: "viewer", 8: "admin"}, chats=chats)
    assert found.places == (Place(GROUP, 3), Place(7), Place(8))
    assert found.event_places == (Place(7),)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("users: {42: boss}", ["telegram.users.42", "boss", "viewer"]),
        ("users: {-3: admin}", ["telegram.users", "-3"]),
        ("users: {ann: admin}", ["telegram.users", "ann"]),
        *(
            (
                f"users: {{42: viewer, '{same}': admin}}",
                [f"telegram.users.{same}", "written plainly"],
            )
            for same in ("042", "+42", " 42", "4_2", "42.0")
        ),
        ("chats: [{id: 0}]", ["telegram.chats", "0"]),
        ("chats: [{id: -5, topic: 3}]", ["telegram.chats[0].topic", "an unknown key"]),
        ("chats: [{id: -5}, {id: -5}]", ["telegram.chats", "each chat and topic once", "-5"]),
        (
            "chats: [{id: -5, thread: 3}, {id: -5, thread: 4}, {id: -5, thread: 3}]",
            ["telegram.chats", "each chat and topic once", "thread 3 of -5"],
        ),
        ("base_url: api.telegram.org", ["telegram.base_url", "https://"]),
        ("polling: {poll_s: 51}", ["telegram.polling.poll_s", "51"]),
        ("tokn: x", ["tokn", "an unknown key"]),
    ],
)
def test_a_mistake_in_the_section_names_the_key(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    file = tmp_path / "telegram.yaml"
    file.write_text(f"telegram:\n  {text}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_config(file, {})
    for part in parts:
        assert part in str(caught.value)


def test_the_environment_says_where_the_messenger_is(tmp_path: Path) -> None:
    file = tmp_path / "telegram.yaml"
    file.write_text("telegram: {base_url: 'https://file/bot', polling: {poll_s: 3}}\n")
    environ = {"TELEGRAM_BASE_URL": "http://here/bot", "TELEGRAM_PROXY": "http://a:b@proxy:1"}
    settings = load_config(file, environ).settings.telegram.bot_settings(Secret("1:x"))
    assert (settings.base_url, settings.proxy) == ("http://here/bot", "http://a:b@proxy:1")
    assert settings.poll_s == 3
