"""What the bridge's own commands show: short, tidy, and never wider than a phone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemonkit.printable import printable
from daemonkit.version import VERSION
from tcpproto.vocabulary import VOCABULARY
from telegram.bridge.help_text import explanation, overview
from telegram.bridge.receipts import State
from telegram.bridge.records import StoredEvent
from telegram.bridge.render import age_text, event_text, receipt_line, utc_text
from telegram.bridge.sessions import read_accounts
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import ScriptedBot

MakeBot = Callable[..., ScriptedBot]
PHONE_COLUMNS = 34


def _body(text: str) -> list[str]:
    return text.splitlines()[:-1]


def test_ping_is_answered_whether_a_bot_is_there_or_not(bridge: Harness, make_bot: MakeBot) -> None:
    assert bridge.say("/ping").text == "[applied] /ping — pong; 0 bots connected"
    make_bot(bridge)
    assert bridge.say("/PING").text == "[applied] /ping — pong; 1 bot connected"


def test_bots_shows_who_is_there_who_is_away_and_who_is_selected(
    bridge: Harness, make_bot: MakeBot
) -> None:
    assert bridge.say("/bots").text == "[applied] /bots — no bot has connected yet"
    make_bot(bridge, "kraken", mode="LIVE").stop()
    bridge.away("kraken")
    make_bot(bridge)
    bridge.say("/use kraken")
    bridge.advance(65)
    assert bridge.say("/bots").text.splitlines() == [
        "● paper main PAPER",
        "  connected 1m 05s",
        "○ kraken main LIVE  ← selected",
        "  away 1m 05s: the test says so",
        "[applied] /bots — 1 of 2 bots connected",
    ]


def test_bots_are_remembered_over_a_restart_with_their_account_and_mode(
    bridge: Harness, make_bot: MakeBot, make_bridge: Callable[..., Harness]
) -> None:
    make_bot(bridge, "kraken", mode="LIVE")
    bridge.close()
    again = make_bridge()
    assert "○ kraken main LIVE" in again.say("/bots").text
    assert again.say("/stoptrading").text.startswith("[queued] /stoptrading — kraken main LIVE:")


def test_health_tells_of_bridge_link_database_and_bots(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    bot.show({"mode": "PAPER", "outbox_rows": 3, "log_lines_dropped": 4_711})
    session = bridge.bridge.parts.sessions.get("paper")
    bridge.turn_until(
        lambda: session and session.status_fields.get("outbox_rows") == 3, "the status"
    )
    bridge.advance(3_725)
    text = bridge.say("/health").text
    assert text.splitlines() == [
        f"bridge   up 1h 02m, v{VERSION}",
        f"link     127.0.0.1:{bridge.port}",
        "guard    none",
        "database ok",
        "events   0 stored",
        "commands 0 open",
        "● paper main PAPER",
        "  link     connected 1h 02m",
        "  rtt      -",
        "  status   1h 02m old",
        "  outbox   3 waiting",
        "  logs     4,711 lines dropped",
        "[applied] /health — all well; 1 of 1 bot connected",
    ]


def test_health_is_not_well_while_a_bot_is_away(bridge: Harness, make_bot: MakeBot) -> None:
    assert bridge.say("/health").last_line == "[applied] /health — no bot has connected yet"
    bot = make_bot(bridge)
    assert bridge.say("/health").last_line.endswith("all well; 1 of 1 bot connected")
    bot.stop()
    bridge.turn_until(lambda: not bridge.bridge.parts.sessions.is_connected("paper"), "the end")
    assert bridge.say("/health").last_line == "[applied] /health — 0 of 1 bot connected"


def test_health_tells_of_a_bot_that_cannot_write(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    bot.show({"mode": "PAPER", "store": "disk full"})
    session = bridge.bridge.parts.sessions.get("paper")
    bridge.turn_until(lambda: session and "store" in session.status_fields, "the status")
    text = bridge.say("/health").text
    assert "  store    disk full" in text.splitlines()
    assert text.endswith("[applied] /health — paper: disk full; 1 of 1 bot connected")


def test_bodies_fit_a_phone(bridge: Harness, make_bot: MakeBot) -> None:
    make_bot(bridge)
    for line in ("/health", "/bots", "/version"):
        assert max(map(len, _body(bridge.say(line).text))) <= PHONE_COLUMNS, line


def test_version_names_bridge_protocol_and_bots(bridge: Harness, make_bot: MakeBot) -> None:
    make_bot(bridge)
    assert bridge.say("/version").text.splitlines() == [
        f"bridge   {VERSION}",
        "protocol 1.0",
        "paper    test 1",
        f"[applied] /version — tradebridge {VERSION}",
    ]


def test_start_greets_and_never_trades(bridge: Harness, make_bot: MakeBot) -> None:
    bot = make_bot(bridge)
    text = bridge.say("/start").text
    assert text.startswith("Welcome.")
    assert text.splitlines()[-1] == "[applied] /start — ready when you are"
    bridge.turn()
    assert bot.commands == []


def test_help_names_every_command_once_under_what_works_or_what_comes_later() -> None:
    working, _, later = overview().partition("Not available in this version")
    for name, verb in VOCABULARY.items():
        assert (f"/{name} " in working) is verb.available, name
        assert (f"/{name}" in later.split()[:-4]) is not verb.available, name


def test_help_puts_commands_without_a_group_under_more() -> None:
    extra = replace(VOCABULARY["ping"], name="pling")
    assert "More\n  /pling — " in overview({**VOCABULARY, "pling": extra})


@pytest.mark.parametrize("name", VOCABULARY)
def test_help_explains_every_command(bridge: Harness, name: str) -> None:
    text = bridge.say(f"/help {name}").text
    assert text.startswith(f"/{name}")
    assert text.splitlines()[-1] == f"[applied] /help {name} — about /{name}"


def test_an_explanation_says_what_matters() -> None:
    assert explanation(VOCABULARY["stoptrading"]).splitlines() == [
        "/stoptrading",
        "  Stop trading; open positions stay, watched and with their stops.",
        "  Also: /stop",
        "  For one bot: end with @BOT or @all.",
        "  Waits up to 24 h for a bot that is away.",
        "  Role: trader.",
    ]
    account = "  For one bot: end with @BOT or @BOT:ACCOUNT or @all."
    assert account in explanation(VOCABULARY["sell"]).splitlines()
    assert (
        explanation(VOCABULARY["instances"]).splitlines()[-1] == "  Not available in this version."
    )


@pytest.mark.parametrize(
    ("fields", "accounts"),
    [
        ({"mode": "PAPER"}, [("main", "PAPER")]),
        ({"mode": "live"}, [("main", "LIVE")]),
        ({}, []),
        ({"mode": "long_only"}, []),
        (
            {"accounts": {"main": "LIVE", "hedge": {"mode": "PAPER"}}},
            [("main", "LIVE"), ("hedge", "PAPER")],
        ),
        ({"accounts": [{"name": "a", "mode": "LIVE"}, 7]}, [("a", "LIVE")]),
        ({"accounts": [{"account": "b", "mode": "PAPER"}, {}]}, [("b", "PAPER"), ("main", "")]),
        ({"accounts": "nonsense"}, []),
    ],
)
def test_accounts_are_read_from_a_status(
    fields: dict[str, Any], accounts: list[tuple[str, str]]
) -> None:
    assert read_accounts(fields) == accounts


@given(
    st.dictionaries(
        st.sampled_from(["accounts", "mode", "x"]),
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_no_status_of_a_bot_breaks_its_label(fields: dict[str, Any]) -> None:
    for account, mode in read_accounts(fields):
        assert isinstance(account, str)
        assert mode in {"PAPER", "LIVE", ""}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (59.9, "59s"), (60, "1m 00s"), (3_661, "1h 01m"), (90_000, "1d 1h")],
)
def test_ages_are_two_units(seconds: float, text: str) -> None:
    assert age_text(seconds) == text


def test_an_event_shows_its_id_bot_and_severity_and_when_it_is_late_its_time() -> None:
    event = StoredEvent(17, "paper", "fill", "warning", "sold\n0.1 BTC", 1_790_000_000.0)
    assert event_text(event, 1_790_000_001.0) == "#17 paper warning: sold\n  0.1 BTC"
    late = event_text(event, 1_790_000_100.0, is_repeat=True)
    assert late.startswith(
        "#17 paper warning (at 2026-09-21 14:13:20Z, perhaps shown before): sold"
    )
    assert event_text(replace(event, text=""), 0.0) == "#17 paper warning: fill"


def test_any_time_that_a_peer_sends_can_be_shown() -> None:
    assert utc_text(1e308) == "unknown time"


@given(text=st.text())
def test_a_receipt_is_always_one_visible_line(text: str) -> None:
    line = receipt_line(State.APPLIED, "/ping", text)
    assert printable(line) == line
    assert len(line.splitlines()) == 1
    assert line.startswith("[applied] /ping")
