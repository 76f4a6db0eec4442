"""What is said of a bot that went without goodbye, and of its return, and where it is kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tcpproto import Event, Log, PeerInfo, Status
from telegram.bridge.intake import Connected, Disconnected
from tests.bridge_tests.harness import Harness

CUT = "the connection was cut"
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
