"""A bot that goes without goodbye is announced once, with what matters; and its return."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from daemonkit.clock import ManualClock
from tcpproto import Event, Log, PeerInfo, Status
from telegram.bridge.intake import Connected, Disconnected
from telegram.bridge.obituary.watch import Absence, Notice, Obituaries, ObituarySettings
from telegram.bridge.store.presence import PresenceRow
from tests.bridge_tests.harness import Harness

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


# What a bridge shows: the same with its own database, sessions and log files.

POSITION = {
    "account": "main",
    "symbol": "BTC/USDT",
    "side": "long",
    "quantity": "0.01",
    "entry_price": "60000",
    "stop_price": "57000.5",
    "target_price": "66000",
    "trail_price": None,
}
STOP = {"account": "main", "symbol": "BTC/USDT", "purpose": "protection", "state": "working"}


def _fields(mode: str = "PAPER", **more: Any) -> dict[str, Any]:
    account = {"account": "main", "mode": mode, "exchange": "kraken"}
    positions = more.pop("positions", [POSITION])
    told = {"accounts": [account], "positions": positions, "orders": [STOP], "orders_open": 1}
    return {**told, "trading_on": True, **more}


class Stage:
    """Bots that come and go as the test says, without sockets."""

    def __init__(self, bridge: Harness) -> None:
        self.bridge = bridge

    def come(self, bot: str = "paper", fields: dict[str, Any] | None = None) -> PeerInfo:
        at = self.bridge.clock.wall()
        peer = PeerInfo(bot, f"instance {at}", "epoch", legacy=False, address="", connected_at=at)
        intake = self.bridge.bridge.parts.intake
        intake.add_link(Connected(peer))
        self.bridge.turn()
        if fields is not None:
            intake.add_status(bot, Status("engine", "all well", fields))
            self.bridge.turn()
        return peer

    def cut(self, peer: PeerInfo, reason: str = CUT, *, clean: bool = False) -> None:
        self.bridge.bridge.parts.intake.add_link(Disconnected(peer, reason, clean))
        self.bridge.turn()

    def texts(self) -> list[str]:
        return [event.text for event in self.bridge.events()]

    def obituary(self, fields: dict[str, Any]) -> str:
        """Return what is said of a bot that had told this of itself."""
        self.cut(self.come(fields=fields))
        self.bridge.advance(10.0)
        return self.texts()[-1]


@pytest.fixture
def stage(bridge: Harness) -> Stage:
    return Stage(bridge)


def test_an_obituary_has_positions_their_protection_and_the_last_log_lines(
    bridge: Harness, stage: Stage
) -> None:
    peer = stage.come(fields=_fields())
    for number in range(20):
        line = Log("ERROR", "trading.engine", 1_790_000_000.0, f"line {number}")
        bridge.bridge.parts.intake.add_log("paper", line)
    bridge.turn()
    stage.cut(peer)
    bridge.advance(10.0)
    assert stage.texts() == [
        "LOST, no word for 10s\n"
        "the connection was cut\n"
        "main PAPER\n"
        "as of 2026-09-21 14:13:20Z\n"
        "trading was on\n"
        "1 open order\n"
        "1 open position:\n"
        "BTC/USDT LONG 0.01\n"
        " entry 60,000.00\n"
        " stop 57,000.50, target\n"
        "  66,000.00\n"
        " PAPER: its stop acts when the\n"
        "  bot is back\n"
        "last log lines:\n"
        + "".join(f"14:13:20Z ERROR line {number}\n" for number in range(12, 20))
        + "if it does not come back by\n"
        " itself, look at /health and\n"
        " /logs and start it again"
    ]
    assert bridge.events()[0].severity == "critical"
    assert bridge.chat.wakes >= 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (_fields("LIVE"), "LIVE: its stop rests at kraken and acts without the bot"),
        (_fields("LIVE", orders=[]), "⚠ LIVE: no stop rests at kraken; look there yourself"),
        (
            _fields("LIVE", orders=[STOP | {"cancelling": True}]),
            "⚠ LIVE: its stop at kraken was being replaced; look there yourself",
        ),
        (
            _fields("LIVE", orders=[STOP | {"state": "unknown"}]),
            "⚠ LIVE: its stop was sent to kraken, not confirmed",
        ),
        (
            _fields("LIVE", positions=[POSITION | {"trail_price": "58000"}]),
            "acts without the bot; trailing stands still",
        ),
        (
            _fields("LIVE", positions=[POSITION | {"stop_price": None}]),
            "⚠ NO STOP: nothing protects it",
        ),
        (_fields("?"), "⚠ unknown whether its stop rests at the exchange"),
        (_fields(positions=[]), "no open position"),
        ({"mode": "PAPER"}, "it has not told its positions"),
    ],
)
def test_it_says_what_still_protects_a_position(
    stage: Stage, fields: dict[str, Any], said: str
) -> None:
    assert said in " ".join(stage.obituary(fields).split())


def test_many_positions_are_counted_and_the_first_are_named(stage: Stage) -> None:
    positions = [POSITION | {"symbol": f"C{number}/USDT"} for number in range(40)]
    text = stage.obituary(_fields(positions=positions))
    assert "40 open positions:" in text
    assert "C11/USDT LONG 0.01" in text
    assert "C12/USDT" not in text
    assert "… 28 more" in text


def test_what_fits_no_shape_breaks_no_obituary(stage: Stage) -> None:
    odd: dict[str, Any] = {
        "symbol": 7,
        "side": None,
        "quantity": "x",
        "stop_price": "1e999999",
        "entry_price": [],
    }
    fields = {"accounts": [None, 3, {"name": 4}], "positions": [odd, None, "x"], "orders": "none"}
    text = stage.obituary(fields | {"trading_on": "yes", "orders_open": "many"})
    assert text.startswith("LOST, no word for 10s\n")


def test_no_line_is_wider_than_a_phone_shows_with_what_it_is_indented_by(stage: Stage) -> None:
    long = POSITION | {"symbol": "LONGCOIN/USDTPERP", "quantity": "123456789.12345678"}
    for mode in ("PAPER", "LIVE"):
        for line in stage.obituary(_fields(mode, positions=[long])).splitlines():
            assert len(line) <= 32, line


def test_the_return_is_told_with_what_is_open(bridge: Harness, stage: Stage) -> None:
    stage.cut(stage.come(fields=_fields()))
    bridge.advance(50.0)
    stage.come(fields=_fields(orders_open=0))
    bridge.advance(5.0)
    assert stage.texts()[1:] == [
        "BACK after 55s\nmain PAPER\ntrading is on\n1 open position: BTC/USDT"
    ]
    assert [event.severity for event in bridge.events()] == ["critical", "notice"]


def test_a_goodbye_says_no_more_than_that_it_stopped(bridge: Harness, stage: Stage) -> None:
    stage.cut(stage.come(fields=_fields()), "asked to stop", clean=True)
    bridge.advance(10.0)
    assert stage.texts() == ["has stopped: asked to stop"]


def test_a_three_field_peer_that_hangs_up_is_no_lost_bot(bridge: Harness, stage: Stage) -> None:
    peer = PeerInfo("legacy-1", "", "", legacy=True, address="", connected_at=0.0)
    bridge.bridge.parts.intake.add_link(Connected(peer))
    bridge.turn()
    stage.cut(peer)
    bridge.advance(60.0)
    assert stage.texts() == []


def test_obituaries_stand_among_the_bots_own_events_and_concern_no_acknowledgement(
    bridge: Harness, stage: Stage
) -> None:
    peer = stage.come(fields=_fields(positions=[], trading_on=False, orders_open=0))
    intake = bridge.bridge.parts.intake
    intake.add_event("paper", Event("epoch", 1, "test", "info", "one", 0.0))
    stage.cut(peer)
    bridge.advance(10.0)
    stage.come()
    intake.add_event("paper", Event("epoch", 2, "test", "info", "two", 0.0))
    bridge.advance(5.0)
    kinds = [event.kind for event in bridge.events()]
    assert kinds == ["test", "bot_lost", "test", "bot_back"]
    assert bridge.events()[1].severity == "warning"
    assert bridge.bridge.parts.counters.faults == 0
    assert bridge.bridge.parts.keeper.last_seq("paper", "epoch") == 2


def test_a_bridge_taken_up_again_goes_on_where_it_was(
    make_bridge: Callable[..., Harness], tmp_path: Path
) -> None:
    first = make_bridge(folder=tmp_path / "var")
    stage = Stage(first)
    stage.cut(stage.come(fields=_fields()))
    first.advance(10.0)
    first.close()
    second = make_bridge(folder=tmp_path / "var", clock=first.clock)
    again = Stage(second)
    second.advance(3_600.0)
    again.come(fields=_fields())
    second.advance(5.0)
    assert [text.splitlines()[0] for text in again.texts()] == [
        "LOST, no word for 10s",
        "BACK after 1h 00m",
    ]
