"""Stories of the engine core: events in, effects out."""

import pytest

from tcpproto import ReplyState
from tests.trading_tests.makers import (
    NOW,
    events_of,
    give,
    make_bar,
    make_command,
    make_core,
    make_health,
    make_running_core,
    make_tick,
    of_kind,
    outcomes_of,
)
from trading.engine.effects import (
    AnswerNow,
    Finish,
    PublishStatus,
    SaveState,
    SayNow,
    SendReply,
    ShowState,
    StartTimer,
    StopTimer,
)
from trading.engine.events import (
    ConfigurationReloaded,
    EngineStarted,
    FeedEnded,
    FeedFailed,
    FeedStarted,
    HistoryLoaded,
    ReloadRefused,
    RunsShort,
    StopRequested,
    StoreFault,
    StoreRecovered,
    StoreTrouble,
    TimerFired,
    TimerName,
)
from trading.engine.states import EngineState
from trading.errors import IllegalTransitionError
from trading.model.event import Severity

FULL = StoreFault(StoreTrouble.FULL, "no space", NOW)


def test_a_start_is_told_and_marked_and_begins_the_status() -> None:
    core = make_core()
    effects = core.process(EngineStarted(NOW))
    assert core.state is EngineState.RUNNING
    assert [event.kind for event in events_of(effects)] == ["engine_started"]
    assert SaveState("run.clean_stop", "no") in effects
    assert of_kind(effects, StartTimer) == [
        StartTimer(TimerName.STATUS, 1.0),
        StartTimer(TimerName.REPORT, 21_600.0),
    ]


def test_the_first_status_comes_at_once_and_counts_from_the_start() -> None:
    core = make_core()
    (effect,) = of_kind(core.process(EngineStarted(NOW)), PublishStatus)
    assert effect.status.fields["state"] == "RUNNING"
    assert effect.status.fields["uptime_s"] == 0.0
    assert core.snapshot(NOW + 0.5).uptime_s == 0.5
    assert core.snapshot(NOW + 0.5).link_for_s == 0.5


def test_a_second_start_is_a_bug_and_changes_nothing() -> None:
    core = make_running_core()
    with pytest.raises(IllegalTransitionError):
        core.process(EngineStarted(NOW))
    assert core.state is EngineState.RUNNING


def test_a_start_after_a_kill_says_that_the_last_run_broke_off() -> None:
    effects = make_core({"run.clean_stop": "no"}).process(EngineStarted(NOW))
    (event,) = events_of(effects)
    assert event.severity is Severity.WARNING
    assert "the last run broke off" in event.text


def test_a_start_after_a_clean_stop_says_nothing_of_a_break() -> None:
    (event,) = events_of(make_core({"run.clean_stop": "yes"}).process(EngineStarted(NOW)))
    assert event.severity is Severity.NOTICE
    assert "broke off" not in event.text


def test_a_stop_is_told_marked_clean_and_final() -> None:
    core = make_running_core()
    effects = core.process(StopRequested("asked to stop", NOW + 5))
    assert core.state is EngineState.STOPPED
    assert [event.kind for event in events_of(effects)] == ["status_report", "engine_stopped"]
    assert SaveState("run.clean_stop", "yes") in effects
    assert isinstance(effects[-1], Finish)
    (status,) = of_kind(effects, PublishStatus)
    assert status.status.fields["state"] == "STOPPED"


def test_a_second_stop_does_nothing() -> None:
    core = make_running_core()
    core.process(StopRequested("first", NOW))
    assert not core.process(StopRequested("second", NOW))


def test_a_stop_before_the_start_is_a_stop() -> None:
    core = make_core()
    effects = core.process(StopRequested("early", NOW))
    assert isinstance(effects[-1], Finish)
    assert core.state is EngineState.STOPPED


def test_ticks_and_candles_move_the_prices_that_the_status_shows() -> None:
    core = make_running_core()
    core.process(HistoryLoaded([make_bar(55.0, start=NOW - 86_400 - 60)]))
    core.process(make_tick(100.0, at=NOW))
    core.process(make_bar(110.0, start=NOW))
    core.process(make_tick(7.5, symbol="SOL/USDT", at=NOW + 61))
    snapshot = core.snapshot(NOW + 100)
    bitcoin, solana = snapshot.prices
    assert (bitcoin.price, bitcoin.change_pct, bitcoin.is_full_day) == (110.0, 100.0, True)
    assert (solana.price, solana.change_pct, solana.is_full_day) == (7.5, 0.0, False)
    assert (snapshot.ticks_handled, snapshot.bars_handled) == (2, 1)
    assert snapshot.market_time == NOW + 61


def test_getstatus_answers_with_a_text_for_a_phone() -> None:
    core = make_running_core()
    core.process(FeedStarted("synthetic", "built-in", NOW))
    core.process(make_tick(64_123.4))
    (outcome,) = outcomes_of(give(core, make_command()))
    assert outcome.state is ReplyState.APPLIED
    assert "PAPER paper (paper)" in outcome.text
    assert "RUNNING" in outcome.text
    assert "trading  off" in outcome.text
    assert "64,123.40" in outcome.text
    assert max(map(len, outcome.text.splitlines())) <= 34


def test_figures_of_others_make_a_new_status() -> None:
    core = make_running_core()
    effects = core.process(make_health(outbox_rows=7, log_lines_dropped=3, uptime_s=90.0))
    (effect,) = of_kind(effects, PublishStatus)
    (shown,) = of_kind(effects, ShowState)
    assert shown.view["updated_at"] == "2027-01-15T08:00:00.000Z"
    assert effect.status.kind == "engine"
    assert effect.status.fields["outbox_rows"] == 7
    assert effect.status.fields["log_lines_dropped"] == 3
    assert "3 lines dropped" in effect.status.text
    assert "up       00:01:30" in effect.status.text


def test_what_runs_short_again_and_again_is_told_once_and_counted() -> None:
    core = make_running_core()
    told = [core.process(RunsShort("memory", "2 GB", NOW + at)) for at in (0.0, 1.0, 2.0)]
    assert [len(events_of(effects)) for effects in told] == [1, 0, 0]
    (event,) = events_of(told[0])
    assert (event.kind, event.severity) == ("runs_short", Severity.WARNING)


def test_a_feed_that_breaks_and_is_tried_again_is_told_once_and_then_counted() -> None:
    core = make_running_core()
    first = core.process(FeedFailed("kraken", "TimeoutError", 1.0, NOW))
    again = core.process(FeedFailed("kraken", "TimeoutError", 2.0, NOW + 3))
    assert [event.severity for event in events_of(first)] == [Severity.WARNING]
    assert not events_of(again)
    (counted,) = events_of(core.process(make_health(NOW + 61)))
    assert "1 more in 60 s" in counted.text
    assert core.snapshot(NOW).feeds == [("kraken", "retrying")]


def test_a_feed_that_is_given_up_is_critical() -> None:
    (event,) = events_of(make_running_core().process(FeedFailed("replay", "bad file", None, NOW)))
    assert event.severity is Severity.CRITICAL
    assert "given up" in event.text


def test_the_end_of_a_replay_is_told() -> None:
    core = make_running_core()
    (event,) = events_of(core.process(FeedEnded("replay", NOW)))
    assert event.kind == "feed_ended"
    assert core.snapshot(NOW).feeds == [("replay", "ended")]


def test_a_stop_tells_the_repeats_that_were_counted() -> None:
    core = make_running_core()
    for second in range(5):
        core.process(FeedFailed("kraken", "TimeoutError", 1.0, NOW + second))
    texts = [event.text for event in events_of(core.process(StopRequested("bye", NOW + 6)))]
    assert len(texts) == 3
    assert "4 more" in texts[0]
    assert texts[1].startswith("status")


def test_a_full_disk_is_said_at_once_and_stored_for_later() -> None:
    core = make_running_core()
    effects = core.process(FULL)
    (said,) = of_kind(effects, SayNow)
    assert "state.db is not written: disk full" in said.text
    assert [event.kind for event in events_of(effects)] == ["store_fault"]
    (shown,) = of_kind(effects, PublishStatus)
    assert shown.status.fields["store"] == "disk full"


def test_a_damaged_database_is_said_and_nothing_is_claimed_to_be_kept() -> None:
    effects = make_running_core().process(StoreFault(StoreTrouble.DAMAGED, "malformed", NOW))
    assert of_kind(effects, SayNow)
    assert not events_of(effects)


def test_while_the_store_does_not_write_reading_is_answered_and_raising_refused() -> None:
    core = make_running_core()
    core.process(FULL)
    (read,) = give(core, make_command(command_id="r"))
    assert isinstance(read, AnswerNow)
    assert read.reply.state is ReplyState.APPLIED
    assert "disk full" in read.reply.text
    (refused,) = give(core, make_command("starttrading", command_id="s"))
    assert isinstance(refused, AnswerNow)
    assert refused.reply.state is ReplyState.REJECTED


def test_a_repeat_during_a_fault_gets_the_same_answer_again() -> None:
    core = make_running_core()
    core.process(FULL)
    (first,) = of_kind(give(core, make_command()), AnswerNow)
    (again,) = of_kind(give(core, make_command()), AnswerNow)
    assert again.reply.repeat
    assert (again.reply.state, again.reply.text) == (first.reply.state, first.reply.text)


def test_a_repeat_of_an_outcome_that_still_waits_for_the_disk_stays_silent() -> None:
    core = make_running_core()
    give(core, make_command())
    core.process(FULL)
    assert not give(core, make_command())


def test_what_was_answered_during_a_fault_is_kept_after_it_without_answering_again() -> None:
    core = make_running_core()
    core.process(FULL)
    give(core, make_command(command_id="r"))
    effects = core.process(StoreRecovered(12.0, NOW + 12))
    (outcome,) = outcomes_of(effects)
    assert outcome.command_id == "r"
    assert not any(getattr(effect, "announce", False) for effect in effects)
    assert [event.kind for event in events_of(effects)] == ["store_recovered"]
    (repeat,) = give(core, make_command(command_id="r"))
    assert isinstance(repeat, SendReply)
    assert repeat.reply.repeat


def test_a_refused_reload_is_told() -> None:
    (event,) = events_of(make_running_core().process(ReloadRefused("log_level: found X", NOW)))
    assert "log_level: found X" in event.text


def test_a_reload_says_what_is_in_force_and_what_waits() -> None:
    effects = make_running_core().process(
        ConfigurationReloaded(("log_level",), ("feed",), NOW, status_interval_s=5.0)
    )
    (event,) = events_of(effects)
    assert "in force: log_level; after a restart: feed" in event.text
    assert of_kind(effects, StartTimer) == [StartTimer(TimerName.STATUS, 5.0)]


def test_numbered_alerts_come_one_by_one_each_with_its_number_in_the_same_unit() -> None:
    core = make_core(alerts_total=2, alerts_interval_s=0.5)
    assert StartTimer(TimerName.ALERT, 0.5) in core.process(EngineStarted(NOW))
    core.process(make_health())
    for number in (1, 2):
        effects = core.process(TimerFired(TimerName.ALERT, NOW))
        assert effects[0] == SaveState("alert_series.2", str(number))
        assert [event.text for event in events_of(effects)] == [f"alert {number} of 2"]
    assert core.process(TimerFired(TimerName.ALERT, NOW)) == [StopTimer(TimerName.ALERT)]


def test_numbered_alerts_go_on_after_a_kill_where_they_were() -> None:
    core = make_running_core({"alert_series.2000": "16"}, alerts_total=2000)
    core.process(make_health())
    effects = core.process(TimerFired(TimerName.ALERT, NOW))
    assert [event.text for event in events_of(effects)] == ["alert 17 of 2000"]


def test_numbered_alerts_are_not_raised_twice() -> None:
    effects = make_core({"alert_series.5": "5"}, alerts_total=5).process(EngineStarted(NOW))
    assert TimerName.ALERT not in [timer.name for timer in of_kind(effects, StartTimer)]


def test_numbered_alerts_rest_while_the_outbox_is_half_full_or_the_store_stalls() -> None:
    core = make_running_core(alerts_total=5, alerts_room_min=10)
    core.process(make_health(outbox_room=9))
    assert not core.process(TimerFired(TimerName.ALERT, NOW))
    core.process(make_health(outbox_room=10))
    assert core.process(TimerFired(TimerName.ALERT, NOW))
    core.process(FULL)
    assert not core.process(TimerFired(TimerName.ALERT, NOW))
