"""What is done with what comes in: the table of decisions, without a bridge."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpproto.vocabulary import MAX_AGE_S, VOCABULARY, Risk, Role
from telegram.bridge.hearing.access import TelegramAccess
from telegram.bridge.hearing.gate import (
    Decision,
    GateScene,
    Verdict,
    author_of,
    decide,
    risk_of_line,
)
from telegram.bridge.messenger import Inbound, Place
from telegram.bridge.telegram_config import ChatEntry

NOW = 1_790_000_000.0
ANN, BOB, EVE = 7, 8, 666
GROUP, OTHER_GROUP = -1_001, -1_002
ACCESS = TelegramAccess(
    {ANN: Role.ADMIN, BOB: Role.VIEWER},
    (ChatEntry(id=GROUP), ChatEntry(id=OTHER_GROUP, thread=3)),
)
SCENE = GateScene(ACCESS, NOW, bot_name="desk_bot")
TAKE, REFUSE, IGNORE = Verdict.TAKE, Verdict.REFUSE, Verdict.IGNORE
STRANGER, LEAVE = Verdict.STRANGER, Verdict.LEAVE


def message(text: str = "/buy BTC/USDT", **fields: Any) -> Inbound:
    place = fields.pop("place", Place(fields.get("user_id") or ANN))
    age_s = fields.pop("age_s", 0.0)
    known = {
        "update_id": 1,
        "place": place,
        "message_id": 5,
        "user_id": ANN,
        "user_name": "Ann",
        "text": text,
        "written_at": NOW - age_s,
        "is_private": not place.is_group,
    }
    return Inbound(**(known | fields))


def ask(inbound: Inbound, **scene: Any) -> Decision:
    return decide(inbound, replace(SCENE, **scene))


@pytest.mark.parametrize(
    ("inbound", "verdict"),
    [
        (message(), TAKE),
        (message(user_id=BOB), TAKE),
        (message(user_id=EVE), STRANGER),
        (message(user_id=None, place=Place(ANN)), STRANGER),
        (message(place=Place(GROUP)), TAKE),
        (message(place=Place(GROUP, 9)), IGNORE),
        (message(place=Place(OTHER_GROUP, 3)), TAKE),
        (message(place=Place(OTHER_GROUP, 4)), IGNORE),
        (message(place=Place(OTHER_GROUP)), IGNORE),
        (message(place=Place(GROUP), user_id=EVE), STRANGER),
        (message(place=Place(-9)), LEAVE),
        (message(place=Place(-9), user_id=EVE), LEAVE),
        (message(place=Place(GROUP), user_id=None, is_anonymous=True), STRANGER),
        (message(place=Place(GROUP), is_anonymous=True), REFUSE),
        (message(is_edited=True), REFUSE),
        (message("never mind", is_edited=True), IGNORE),
        (message(is_forwarded=True), REFUSE),
        (message("look at this", is_forwarded=True), IGNORE),
        (message(user_id=EVE, is_forwarded=True), STRANGER),
        (message(user_id=EVE, is_edited=True), STRANGER),
        (message("/ping@other_bot", place=Place(GROUP)), IGNORE),
        (message("/ping@other_bot"), REFUSE),
        (message("/ping@Desk_Bot", place=Place(GROUP)), TAKE),
        (message(""), IGNORE),
        (message("hello"), TAKE),
        (message("hello", place=Place(GROUP)), IGNORE),
        (message(place=Place(GROUP), migrated_to=-5), Verdict.MOVED),
        (message("", user_id=None, place=Place(ANN), is_own_pin=True), Verdict.TIDY),
        (message("", user_id=None, place=Place(OTHER_GROUP), is_own_pin=True), Verdict.TIDY),
        (message("", user_id=None, place=Place(EVE), is_own_pin=True), IGNORE),
        (message("", user_id=None, place=Place(-5), is_own_pin=True), LEAVE),
        (message(place=Place(-9), migrated_to=-5), IGNORE),
        (message("", press_data="n:0", press_id="1"), TAKE),
        (message("", press_data="n:0", press_id="1", user_id=EVE), STRANGER),
        (message("", press_data="n:0", press_id="1", place=Place(OTHER_GROUP, 4)), IGNORE),
    ],
)
def test_each_kind_of_message_has_its_verdict(inbound: Inbound, verdict: Verdict) -> None:
    assert ask(inbound).verdict is verdict


def test_an_answer_in_a_group_is_a_reply_of_whoever_was_asked() -> None:
    reply = message("BTC", place=Place(GROUP), is_reply=True)
    assert ask(reply, is_asked=True).verdict is TAKE
    assert ask(reply, is_asked=False).verdict is IGNORE
    assert ask(message("yes", place=Place(GROUP)), is_asked=True).verdict is IGNORE
    assert ask(message("yes"), is_asked=True).verdict is TAKE


@pytest.mark.parametrize(
    ("text", "allowed_s"),
    [
        ("/buy BTC/USDT 1", 30),
        ("/startbuying ALL", 30),
        ("/use paper", 30),
        ("yes", 30),
    ],
)
def test_what_was_held_up_is_refused_by_its_risk(text: str, allowed_s: float) -> None:
    assert ask(message(text, age_s=allowed_s)).verdict is TAKE
    late = ask(message(text, age_s=allowed_s + 1))
    assert late.verdict is REFUSE
    assert late.text == (
        f"[expired] {text} — written {allowed_s + 1:.0f} s ago, allowed {allowed_s:.0f} s; "
        "nothing sent"
    )


@pytest.mark.parametrize("text", ["/getstatus", "/no_such_thing"])
def test_what_seems_very_old_is_refused_and_tells_of_the_clock(text: str) -> None:
    assert ask(message(text, age_s=600)).verdict is TAKE
    late = ask(message(text, age_s=3_720))
    assert late.verdict is REFUSE
    assert late.text == (
        f"[expired] {text} — written 1h 02m ago, allowed 600 s (if it was just now, set the "
        "clock of the bridge's machine, which is ahead); nothing sent"
    )


@pytest.mark.parametrize("line", ["/stop", "/flatten", "/sell ALL", "/mode sma-btc observe"])
def test_what_reduces_risk_is_let_in_however_old_as_it_is_asked_about(line: str) -> None:
    assert ask(message(line, age_s=80_000)).verdict is TAKE


def test_a_message_from_the_future_is_refused_and_tells_of_the_clock() -> None:
    assert ask(message(age_s=-30)).verdict is TAKE
    early = ask(message(age_s=-31))
    assert early.verdict is REFUSE
    assert early.is_clock_wrong
    assert "check the clock" in early.text
    assert "nothing sent" in early.text


@pytest.mark.parametrize("line", ["/stop", "/flatten", "/sell BTC/USDT", "/mode sma-btc observe"])
def test_a_clock_that_is_behind_keeps_nobody_from_reducing_risk(line: str) -> None:
    assert ask(message(line, age_s=-3_600)).verdict is TAKE
    assert ask(message("/buy BTC/USDT", age_s=-3_600)).verdict is REFUSE
    assert ask(message("yes", age_s=-3_600), is_asked=True).verdict is REFUSE


@pytest.mark.parametrize("name", sorted(VOCABULARY))
def test_while_the_token_is_shared_only_what_raises_risk_is_refused(name: str) -> None:
    verb = VOCABULARY[name]
    # Those that are classed by their arguments.
    line = {"mode": "/mode sma-btc active", "reconcile": "/reconcile 3 adopt"}.get(name, f"/{name}")
    decision = ask(message(line), is_shared=True)
    assert (decision.verdict is REFUSE) is (verb.risk is Risk.RAISING)
    if verb.risk is Risk.RAISING:
        assert "another program uses this bot's token" in decision.text


@pytest.mark.parametrize("name", sorted(VOCABULARY))
def test_every_command_has_a_risk_and_an_age(name: str) -> None:
    assert risk_of_line(f"/{name}") in MAX_AGE_S


def test_an_author_is_a_number_with_a_role() -> None:
    assert author_of(message(user_id=BOB), ACCESS).id == "tg:8"
    assert author_of(message(user_id=BOB), ACCESS).role is Role.VIEWER


@given(
    text=st.text(max_size=40) | st.sampled_from(["/buy BTC/USDT", "/stop", "yes"]),
    user_id=st.sampled_from([ANN, BOB, EVE, None, 0, -7]),
    chat_id=st.sampled_from([ANN, BOB, EVE, GROUP, OTHER_GROUP, -9]),
    thread_id=st.sampled_from([None, 3, 4]),
    age_s=st.floats(-1e6, 1e6),
    marks=st.fixed_dictionaries(
        dict.fromkeys(("is_edited", "is_forwarded", "is_anonymous"), st.booleans())
    ),
    is_shared=st.booleans(),
)
def test_nothing_of_a_stranger_is_ever_taken_and_a_stranger_is_never_answered(
    text: str,
    user_id: int | None,
    chat_id: int,
    thread_id: int | None,
    age_s: float,
    marks: dict[str, bool],
    is_shared: bool,
) -> None:
    place = Place(chat_id, thread_id)
    inbound = message(text, place=place, user_id=user_id, age_s=age_s, **marks)
    decision = ask(inbound, is_shared=is_shared, is_asked=True)
    is_listed = user_id in ACCESS.users and ACCESS.hears(place)
    if decision.verdict in (TAKE, REFUSE):
        assert user_id in ACCESS.users
    if decision.verdict is TAKE:
        assert is_listed
        assert not any(marks.values())
        is_reducing = text.startswith("/") and risk_of_line(text) is Risk.REDUCING
        assert age_s >= -30 or is_reducing
    assert bool(decision.text) is (decision.verdict is REFUSE)
