"""Small parts of the engine: ids, flags, journal, decisions, clocks, quarantine."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.makers import BTC, ETH, NOW, make_event
from trading.engine.clock_watch import SETTLE_S, STEP_S_MAX, ClockWatch
from trading.engine.decisions import KEPT_MAX, TEXT_LEN_MAX, Decisions
from trading.engine.effects import CancelOrder, DropPosition, RaiseEvent, SaveState, WriteLog
from trading.engine.flags import Flags
from trading.engine.journal import Journal
from trading.engine.order_ids import ID_LEN, NUMBER_MAX, OrderIds, read_order_id
from trading.engine.quarantine import PREFIX, dump_quarantine, quarantine_of
from trading.engine.states import TradingIntent
from trading.model.account import MarketKey

KEY = MarketKey("main", BTC)
OTHER = MarketKey("main", ETH)
names = st.text(string.ascii_lowercase + string.digits + "_-", max_size=32)


@given(names, names, names, names)
def test_an_order_id_says_whose_it_is_and_fits_every_venue(
    bot: str, account: str, instance: str, run: str
) -> None:
    ids = OrderIds(bot, run)
    first, second = ids.next_id(account, instance), ids.next_id(account, instance)
    assert first != second
    assert len(first) == ID_LEN
    assert set(first) <= set(string.ascii_lowercase + "234567")
    one, two = read_order_id(first), read_order_id(second)
    assert one is not None
    assert two is not None
    assert two.number == (one.number + 1) % (NUMBER_MAX + 1)
    assert (one.bot, one.account, one.instance, one.run) == (
        two.bot,
        two.account,
        two.instance,
        two.run,
    )
    assert ids.is_ours(first, account)
    assert OrderIds(bot, "another run").is_ours(first, account)


def test_ids_of_other_runs_bots_and_accounts_differ() -> None:
    ids = [
        OrderIds("paper", "run-1").next_id("main", "one"),
        OrderIds("paper", "run-2").next_id("main", "one"),
        OrderIds("other", "run-1").next_id("main", "one"),
        OrderIds("paper", "run-1").next_id("second", "one"),
        OrderIds("paper", "run-1").next_id("main", ""),
    ]
    assert len(set(ids)) == len(ids)
    assert not OrderIds("paper", "run-1").is_ours(ids[2], "main")
    assert not OrderIds("paper", "run-1").is_ours(ids[3], "main")


@pytest.mark.parametrize("text", ["", "x" * ID_LEN, "t" + "1" * (ID_LEN - 1), "t" * (ID_LEN + 1)])
def test_what_is_no_id_of_ours_is_told_from_one(text: str) -> None:
    assert read_order_id(text) is None
    assert not OrderIds("paper", "run").is_ours(text, "main")


def test_ids_go_around_after_the_last_number_and_pass_over_those_that_are_known() -> None:
    known: set[str] = set()
    ids = OrderIds("paper", "run", known.__contains__)
    ids._number = NUMBER_MAX - 1
    last = ids.next_id("main", "")
    first = ids.next_id("main", "")
    numbers = [tag.number for tag in map(read_order_id, (last, first)) if tag is not None]
    assert numbers == [NUMBER_MAX, 0]
    known |= {last, first}
    ids._number = NUMBER_MAX - 1
    again = read_order_id(ids.next_id("main", ""))
    assert again is not None
    assert again.number == 1


def test_flags_are_at_first_off_for_trading_and_on_for_all_else() -> None:
    flags = Flags()
    assert flags.trading is TradingIntent.OFF
    assert not flags.paused
    assert not flags.buying_off(KEY)
    assert not flags.selling_off(KEY)


def test_flags_say_where_they_changed_and_a_reason_that_is_replaced_is_no_change() -> None:
    flags = Flags()
    assert flags.set_buying([KEY, OTHER], "off by 1") == [KEY, OTHER]
    assert flags.set_buying([KEY], "off by 2") == []
    assert flags.buying_off(KEY) == "off by 2"
    assert flags.set_buying([KEY], "") == [KEY]
    assert flags.set_buying([KEY], "") == []
    assert flags.buying_off(OTHER) == "off by 1"


@given(
    st.sampled_from(TradingIntent),
    st.text(max_size=20),
    st.lists(st.tuples(st.sampled_from([KEY, OTHER]), st.text(max_size=9), st.booleans())),
)
def test_flags_come_back_as_they_were_kept(
    trading: TradingIntent, paused: str, changes: list[tuple[MarketKey, str, bool]]
) -> None:
    flags = Flags()
    flags.trading, flags.paused = trading, paused
    for key, reason, is_buying in changes:
        (flags.set_buying if is_buying else flags.set_selling)([key], reason)
    again = Flags(flags.to_json())
    assert again.to_json() == flags.to_json()
    for key in (KEY, OTHER):
        assert again.buying_off(key) == flags.buying_off(key)
        assert again.selling_off(key) == flags.selling_off(key)


def test_a_journal_keeps_what_changed_several_times_once_and_sends_orders_last() -> None:
    journal = Journal()
    journal.cancel("main", "o1")
    journal.tell(make_event())
    journal.log("info", "one", "a line")
    journal.save("cash.main", "1")
    journal.save("cash.main", "2")
    journal.keep_position(KEY, None)
    effects = journal.take()
    assert [type(one) for one in effects] == [
        DropPosition,
        SaveState,
        RaiseEvent,
        WriteLog,
        CancelOrder,
    ]
    assert SaveState("cash.main", "2") in effects
    assert journal.is_empty
    assert not journal.take()


def test_the_same_decision_again_only_counts() -> None:
    decisions = Decisions()
    for second in range(3):
        decisions.note(NOW + second, KEY, "refused: paused")
    decisions.note(NOW + 3, OTHER, "sent")
    decisions.note(NOW + 4, KEY, "refused: paused")
    assert [(one.symbol, one.text) for one in decisions.latest(10)] == [
        (BTC, "refused: paused"),
        (ETH, "sent"),
        (BTC, "refused: paused (3 times)"),
    ]
    assert [one.text for one in decisions.latest(10, ETH)] == ["sent"]


def test_decisions_are_bounded_in_number_and_length() -> None:
    decisions = Decisions()
    for number in range(KEPT_MAX + 50):
        decisions.note(NOW, KEY, f"{number} " + "x" * 1_000)
    kept = decisions.latest(10_000)
    assert len(kept) == KEPT_MAX
    assert max(len(one.text) for one in kept) <= TEXT_LEN_MAX


def test_two_clocks_that_go_together_are_no_trouble() -> None:
    watch = ClockWatch()
    for second in range(100):
        assert not watch.sample(NOW + second * 1.01, float(second))
        assert not watch.trouble


@pytest.mark.parametrize("step_s", [STEP_S_MAX + 0.1, -STEP_S_MAX - 0.1, 3_600.0])
def test_a_step_between_the_clocks_is_trouble_until_it_has_settled(step_s: float) -> None:
    watch = ClockWatch()
    watch.sample(NOW, 0.0)
    assert watch.sample(NOW + 1 + step_s, 1.0)
    assert "the clock jumped" in watch.trouble
    assert watch.step_s == pytest.approx(step_s)
    assert not watch.sample(NOW + SETTLE_S + step_s, SETTLE_S)
    assert watch.trouble
    assert not watch.sample(NOW + SETTLE_S + 1 + step_s, SETTLE_S + 1)
    assert not watch.trouble


def test_a_second_jump_begins_the_wait_anew() -> None:
    watch = ClockWatch()
    watch.sample(NOW, 0.0)
    watch.sample(NOW + 31, 1.0)
    watch.sample(NOW + 9 + 60, 9.0)
    watch.sample(NOW + 12 + 60, 12.0)
    assert watch.trouble


def test_a_quarantine_holds_for_what_was_stopped_and_for_nothing_else() -> None:
    values = {PREFIX + "one": dump_quarantine("hung", "f1")}
    assert quarantine_of(values, "one", "f1") == "hung"
    assert quarantine_of(values, "one", "f2") == ""
    assert quarantine_of(values, "two", "f1") == ""
    assert quarantine_of({}, "one", "f1") == ""


def test_after_a_standstill_nothing_new_is_risked_until_the_clocks_have_run_on() -> None:
    clock = ClockWatch()
    clock.sample(100.0, 5.0)
    clock.stand_still(15.2, 20.0)
    assert clock.trouble == "this process stood still for 15 s until a moment ago"
    assert not clock.sample(115.0, 20.0)
    assert clock.trouble
    clock.sample(126.0, 31.0)
    assert not clock.trouble
