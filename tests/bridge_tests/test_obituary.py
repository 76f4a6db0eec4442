"""When a bot that goes without goodbye is announced, and when its return."""

from contextlib import suppress
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from telegram.bridge.obituary.watch import Absence, Notice, Obituaries, ObituarySettings
from telegram.bridge.store.presence import PresenceRow

CUT = "the connection was cut"
SETTINGS = ObituarySettings()


class PlainWords:
    """Says which of the four it was asked for."""

    def lost(self, absence: Absence) -> Notice:
        return self._notice("lost", absence)

    def back(self, absence: Absence) -> Notice:
        return self._notice("back", absence)

    def stopped(self, absence: Absence) -> Notice:
        return self._notice("stopped", absence)

    def breaking(self, absence: Absence, breaks: int) -> Notice:
        return self._notice(f"{breaks} breaks", absence)

    @staticmethod
    def _notice(kind: str, absence: Absence) -> Notice:
        return Notice(absence.bot, kind, "critical", absence.reason, {"since": absence.since})


class MemoryStore:
    """Rows in memory; while it is full, nothing is taken."""

    def __init__(self) -> None:
        self.rows: dict[str, PresenceRow] = {}
        self.is_full = False
        self.tries = 0

    def read(self) -> list[PresenceRow]:
        return sorted(self.rows.values(), key=lambda row: -row.since)

    def save(self, changed: Any, forgotten: Any = ()) -> None:
        self.tries += 1
        if self.is_full:
            raise OSError("no room")
        for row in changed:
            self.rows[row.bot] = row
        for bot in forgotten:
            self.rows.pop(bot, None)


class Watch:
    """Obituaries whose time the test moves."""

    def __init__(self, clock: ManualClock, store: MemoryStore | None = None) -> None:
        self.clock = clock
        self.store = store or MemoryStore()
        self.obituaries = Obituaries(clock, SETTINGS, PlainWords(), self.store)

    def came(self, bot: str = "paper") -> None:
        self.obituaries.note_came(bot)

    def gone(self, bot: str = "paper", reason: str = CUT, *, clean: bool = False) -> None:
        self.obituaries.note_gone(bot, reason, clean=clean)

    def after(self, seconds: float) -> list[tuple[str, str]]:
        """Let time pass and return what is said."""
        self.clock.advance(seconds)
        said = [(one.bot, one.kind) for one in self.obituaries.tick()]
        with suppress(OSError):
            self.obituaries.remember()
        return said

    def restarted(self) -> "Watch":
        return Watch(self.clock, self.store)


@pytest.fixture
def watch(clock: ManualClock) -> Watch:
    return Watch(clock)


def test_a_bot_without_goodbye_is_announced_once_after_ten_seconds(watch: Watch) -> None:
    watch.came()
    assert watch.after(3_600.0) == []
    watch.gone()
    assert watch.after(9.9) == []
    assert watch.after(0.1) == [("paper", "lost")]
    assert watch.after(86_400.0) == []


def test_a_bot_that_is_back_in_time_is_not_spoken_of(watch: Watch) -> None:
    watch.came()
    watch.gone()
    assert watch.after(9.0) == []
    watch.came()
    assert watch.after(3_600.0) == []


def test_the_all_clear_is_given_once_a_lost_bot_has_stayed(watch: Watch) -> None:
    watch.came()
    watch.gone()
    watch.after(10.0)
    watch.came()
    assert watch.after(4.9) == []
    assert watch.after(0.1) == [("paper", "back")]
    assert watch.after(3_600.0) == []


def test_a_bot_that_dies_again_and_again_is_announced_once(watch: Watch) -> None:
    watch.came()
    watch.gone()
    assert watch.after(10.0) == [("paper", "lost")]
    for _ in range(100):
        watch.came()
        assert watch.after(2.0) == []
        watch.gone()
        assert watch.after(30.0) == []
    watch.came()
    assert watch.after(5.0) == [("paper", "back")]


def test_each_loss_of_late_is_waited_for_twice_as_long(watch: Watch) -> None:
    watch.came()
    for patience_s in (10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0):
        watch.gone()
        assert watch.after(patience_s - 0.1) == []
        assert watch.after(0.1) == [("paper", "lost")]
        watch.came()
        assert watch.after(5.0) == [("paper", "back")]
    watch.after(3_600.0)
    watch.gone()
    assert watch.after(10.0) == [("paper", "lost")]


def test_many_short_breaks_are_spoken_of_once_in_a_while(watch: Watch) -> None:
    watch.came()
    said = []
    for _ in range(60):
        watch.gone()
        said += watch.after(1.0)
        watch.came()
        said += watch.after(29.0)
    assert said == [("paper", "6 breaks")]


def test_a_goodbye_is_followed_by_one_word_and_a_quick_restart_by_none(watch: Watch) -> None:
    watch.came()
    watch.gone(reason="asked to stop", clean=True)
    assert watch.after(9.0) == []
    watch.came()
    assert watch.after(60.0) == []
    watch.gone(reason="asked to stop", clean=True)
    assert watch.after(10.0) == [("paper", "stopped")]
    watch.came()
    assert watch.after(3_600.0) == []


def test_each_of_several_bots_has_an_obituary_of_its_own(watch: Watch) -> None:
    for bot in ("a", "b", "c"):
        watch.came(bot)
    watch.gone("a")
    assert watch.after(5.0) == []
    watch.gone("b")
    watch.gone("c", "asked to stop", clean=True)
    assert watch.after(5.0) == [("a", "lost")]
    assert watch.after(5.0) == [("b", "lost"), ("c", "stopped")]
    watch.came("b")
    assert watch.after(5.0) == [("b", "back")]


def test_a_restarted_bridge_repeats_nothing_and_still_gives_the_all_clear(watch: Watch) -> None:
    watch.came()
    watch.gone()
    watch.after(10.0)
    again = watch.restarted()
    assert again.after(86_400.0) == []
    again.came()
    assert again.after(5.0) == [("paper", "back")]
    third = again.restarted()
    third.came()
    assert third.after(3_600.0) == []


def test_a_bot_that_died_while_the_bridge_was_away_is_announced_after_a_while(
    watch: Watch,
) -> None:
    for bot in ("a", "b"):
        watch.came(bot)
    watch.after(0.0)
    again = watch.restarted()
    assert again.after(60.0) == []
    again.came("b")
    assert again.after(15.0) == [("a", "lost")]
    assert again.restarted().after(3_600.0) == [("b", "lost")]


def test_the_goodbye_of_the_bridge_itself_is_nobodys_end(watch: Watch) -> None:
    watch.came()
    watch.after(0.0)
    watch.obituaries.end()
    watch.gone(reason="the bridge stops", clean=True)
    assert watch.after(60.0) == []
    assert watch.store.rows["paper"].state == "here"


def test_a_full_disk_delays_what_is_kept_and_silences_nothing(watch: Watch) -> None:
    watch.came()
    watch.after(0.0)
    watch.store.is_full = True
    watch.gone()
    assert watch.after(10.0) == [("paper", "lost")]
    tries = watch.store.tries
    for _ in range(9):
        watch.after(1.0)
    assert watch.store.tries == tries, "a full disk is asked once in ten seconds"
    watch.store.is_full = False
    watch.after(10.0)
    assert watch.store.rows["paper"].state == "lost"


def test_of_very_many_bots_those_that_stopped_longest_ago_are_forgotten(watch: Watch) -> None:
    for number in range(1_050):
        watch.came(f"bot-{number}")
        watch.gone(f"bot-{number}", "asked to stop", clean=True)
        watch.after(10.0)
    assert len(watch.store.rows) <= 1_001
    assert "bot-0" not in watch.store.rows
    assert "bot-1049" in watch.store.rows
