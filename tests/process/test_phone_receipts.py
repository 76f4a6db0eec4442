"""What a person reads of a command whose end nobody could be told: the real bridge, killed."""

import pytest

from tests.fakes.bot_api.messages import Message
from tests.fakes.bot_api.phone import Phone
from tests.fakes.bot_api.server import FakeBotApi
from tests.process.installation import PATIENCE_S, Installation, assert_no_traceback, query
from tests.process.phone_desk import start_bridge
from tests.process.test_phone_outages import QUICK, connected_bot
from tests.waiting import wait_until


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_flatten_that_ended_while_telegram_was_away_says_so_once_after_a_restart(
    here: Installation, api: FakeBotApi, ann: Phone, end: str
) -> None:
    here.configure_bridge(QUICK)
    first = start_bridge(here, api)
    with connected_bot(here) as bot:
        ann.ask("/flatten", "are you sure")
        ann.press("Yes")
        sent = ann.wait_for(r"^\[sent\] /flatten")
        away = api.faults.bad_gateway(times=None, method="editMessageText")
        bot.reply(0, "applied", "flat, verified")
        wait_until(lambda: _states(here) == ["applied"], PATIENCE_S, "the outcome")
        api.wait(lambda: away.met, "an edit that fails", PATIENCE_S)
        first.kill() if end == "kill" else first.stop()
        away.clear()
        second = start_bridge(here, api)
        done = ann.wait_for(r"^\[applied\] /flatten — paper main PAPER: flat, verified$")
        assert done.message_id == sent.message_id
        wait_until(lambda: not _owed(here), PATIENCE_S, "the receipt is crossed off")
        second.kill()
        edits = _edits(api, done)
        third = start_bridge(here, api)
        ann.ask("/ping", r"^\[applied\] /ping")
        assert _edits(api, done) == edits, "it is told once"
    assert third.stop() == 0
    assert_no_traceback(first, second, third)


def _states(here: Installation) -> list[str]:
    return [one.state for one in here.commands()]


def _owed(here: Installation) -> list[str]:
    statement = "SELECT id FROM command WHERE receipt_owed"
    return query(here.bridge_db, statement)


def _under_way(here: Installation) -> list[str]:
    statement = "SELECT text FROM inbound WHERE state IN ('received', 'executing')"
    return query(here.bridge_db, statement)


def _edits(api: FakeBotApi, message: Message) -> int:
    return sum(
        one.parameters.get("message_id") == message.message_id
        for one in api.requests("editMessageText")
    )


def test_a_stop_that_nobody_could_be_told_of_is_told_once_after_a_restart(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge(QUICK)
    first = start_bridge(here, api)
    with connected_bot(here) as bot:
        ann.ask("/ping", "1 bot connected")
        away = api.faults.bad_gateway(times=None, method="sendMessage")
        ann.say("/stoptrading")
        wait_until(lambda: bot.commands, PATIENCE_S, "the command")
        bot.reply(0, "applied", "no new entries")
        wait_until(lambda: _states(here) == ["applied"], PATIENCE_S, "the outcome")
        api.wait(lambda: away.met, "a message that fails", PATIENCE_S)
        wait_until(lambda: not _under_way(here), PATIENCE_S, "the end of the line is noted")
        first.kill()
        away.clear()
        second = start_bridge(here, api)
        ann.wait_for(r"^\(.*perhaps shown before\)\n\[applied\] /stoptrading — .*no new entries$")
        wait_until(lambda: not _owed(here), PATIENCE_S, "the receipt is crossed off")
        second.kill()
        third = start_bridge(here, api)
        ann.ask("/ping", r"^\[applied\] /ping")
        assert sum("no new entries" in text for text in ann.texts) == 1, ann.describe()
    assert third.stop() == 0
    assert_no_traceback(first, second, third)


def test_a_stop_is_told_though_the_connection_ended_with_the_answer(
    here: Installation, api: FakeBotApi, ann: Phone
) -> None:
    here.configure_bridge(QUICK)
    bridge = start_bridge(here, api)
    with connected_bot(here) as bot:
        ann.ask("/ping", "1 bot connected")
        api.faults.drop(acts=False, method="sendMessage")
        ann.say("/stoptrading")
        wait_until(lambda: bot.commands, PATIENCE_S, "the command")
        bot.reply(0, "applied", "no new entries")
        ann.wait_for(r"^\(perhaps shown before\)\n\[applied\] /stoptrading — .*no new entries$")
    assert bridge.stop() == 0
    assert_no_traceback(bridge)
