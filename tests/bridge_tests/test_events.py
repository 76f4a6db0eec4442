"""Durable events: stored once and in order, acknowledged only then, whatever the disk does."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from telegram.bridge.store.commands import CommandTable
from tests.bridge_tests.harness import Harness
from tests.bridge_tests.scripted_bot import MemoryOutbox, ScriptedBot
from tests.small_filesystem import fill_up

MakeBridge = Callable[..., Harness]
MakeBot = Callable[..., ScriptedBot]


def _stored(harness: Harness, count: int) -> list[str]:
    harness.turn_until(lambda: len(harness.events()) >= count, f"{count} events")
    return [event.text for event in harness.events()]


def _acknowledged(harness: Harness, bot: ScriptedBot, seq: int) -> None:
    harness.turn_until(lambda: bot.acknowledged >= seq, f"acknowledgement up to {seq}")


def test_events_are_stored_in_order_under_rising_ids_and_acknowledged(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    texts = [f"alert {number}" for number in range(500)]
    for text in texts:
        bot.raise_event(text)
    assert _stored(bridge, 500) == texts
    _acknowledged(bridge, bot, 500)
    assert bot.outbox.rows == []
    ids = [event.id for event in bridge.events()]
    assert ids == sorted(set(ids))


def test_events_raised_while_the_bridge_was_away_come_when_it_is_back(
    make_bridge: MakeBridge, make_bot: MakeBot
) -> None:
    outbox = MemoryOutbox("epoch")
    for number in range(10):
        outbox.add(f"early {number}")
    first = make_bridge()
    make_bot(first, outbox=outbox)
    assert _stored(first, 10) == [f"early {number}" for number in range(10)]


def test_what_was_stored_but_not_acknowledged_is_not_stored_again(
    make_bridge: MakeBridge, make_bot: MakeBot
) -> None:
    first = make_bridge()
    outbox = MemoryOutbox("epoch")
    outbox.hears = False
    make_bot(first, outbox=outbox).raise_event("only once")
    _stored(first, 1)
    first.close()
    second = make_bridge()
    bot = make_bot(second, outbox=outbox)
    bot.raise_event("then this")
    assert _stored(second, 2) == ["only once", "then this"]


def test_a_new_epoch_starts_anew_and_old_rows_keep_theirs(
    bridge: Harness, make_bot: MakeBot
) -> None:
    old = make_bot(bridge, outbox=MemoryOutbox("first epoch"))
    old.raise_event("one")
    old.raise_event("two")
    _stored(bridge, 2)
    old.stop()
    bridge.away("paper")
    # As after a restored backup: numbers begin again, under another epoch.
    new = make_bot(bridge, outbox=MemoryOutbox("second epoch"))
    new.raise_event("three")
    assert _stored(bridge, 3) == ["one", "two", "three"]


def test_gaps_are_allowed_because_acknowledged_rows_are_pruned(
    bridge: Harness, make_bot: MakeBot
) -> None:
    outbox = MemoryOutbox("epoch")
    outbox.seq = 41
    bot = make_bot(bridge, outbox=outbox)
    assert bot.raise_event("the forty-second") == 42
    assert _stored(bridge, 1) == ["the forty-second"]


def test_chats_are_woken_for_new_events_and_not_for_repeated_ones(
    bridge: Harness, make_bot: MakeBot
) -> None:
    bot = make_bot(bridge)
    bot.raise_event("something")
    _stored(bridge, 1)
    assert bridge.chat.wakes == 2  # once at the start


def test_a_lost_bridge_database_loses_nothing_new(
    tmp_path: Path, make_bridge: MakeBridge, make_bot: MakeBot
) -> None:
    first = make_bridge()
    bot = make_bot(first)
    bot.raise_event("before")
    _acknowledged(first, bot, 1)
    first.close()
    for file in (tmp_path / "telegram").glob("bridge.db*"):
        file.unlink()
    second = make_bridge()
    again = make_bot(second, outbox=bot.outbox)
    again.raise_event("after")
    assert _stored(second, 1) == ["after"]


@pytest.fixture
def full_disk(small_disk: Path, make_bridge: MakeBridge) -> tuple[Harness, Path]:
    bridge = make_bridge(folder=small_disk, settings={"reserve_bytes": 64 * 1024})
    return bridge, small_disk


def _break(harness: Harness, bot: ScriptedBot) -> None:
    """Raise events until nothing more fits on the disk."""

    def is_broken() -> bool:
        for _ in range(20):
            bot.raise_event("x" * 2_000)
        return bool(harness.bridge.parts.keeper.waiting)

    harness.turn_until(is_broken, "a full disk")


def test_on_a_full_disk_nothing_is_acknowledged_and_nothing_is_lost(
    full_disk: tuple[Harness, Path], make_bot: MakeBot
) -> None:
    bridge, folder = full_disk
    bot = make_bot(bridge)
    bot.raise_event("the first")
    _acknowledged(bridge, bot, 1)
    filler = fill_up(folder)
    _break(bridge, bot)
    assert not (bridge.config.folder / "reserve").exists()
    raised = bot.outbox.seq
    assert bot.acknowledged < raised
    health = bridge.say("/health").text
    rows = health.splitlines()
    assert "no room is left on the disk" in rows[-1]
    at = next(number for number, row in enumerate(rows) if "NOT WRITTEN" in row)
    assert rows[at].startswith("database NOT WRITTEN for ")
    assert rows[at + 1] == "  no room is left on the disk"
    assert bridge.say("/ping").text.startswith("[applied]")
    filler.unlink()
    bridge.advance(20)
    bridge.turn_until(partial(_stored_all, bridge, bot), "room again")
    assert "all well" in bridge.say("/health").last_line
    assert len(bridge.events()) == raised
    bridge.advance(61)
    assert (bridge.config.folder / "reserve").exists()


def _stored_all(harness: Harness, bot: ScriptedBot) -> bool:
    harness.clock.advance(1)
    return bot.acknowledged == bot.outbox.seq


def test_the_reserve_is_used_once_to_store_what_must_be(
    full_disk: tuple[Harness, Path], make_bot: MakeBot
) -> None:
    bridge, folder = full_disk
    bot = make_bot(bridge)
    fill_up(folder)
    reserve = bridge.config.folder / "reserve"
    for _ in range(40):
        bot.raise_event("y" * 500)
    bridge.turn_until(lambda: not reserve.exists(), "the reserve is released")
    _acknowledged(bridge, bot, bot.outbox.seq)


def test_on_a_full_disk_reducing_commands_go_out_and_raising_ones_do_not(
    full_disk: tuple[Harness, Path], make_bot: MakeBot
) -> None:
    bridge, folder = full_disk
    bot = make_bot(bridge)
    filler = fill_up(folder)
    _break(bridge, bot)
    refused = bridge.say("/starttrading").text
    assert refused.startswith(
        "[rejected] /starttrading — paper main PAPER: the bridge's disk: no room"
    )
    bridge.say("/stoptrading")
    bridge.turn_until(lambda: bot.commands, "the reducing command")
    assert [one.verb for one in bot.commands] == ["stoptrading"]
    bot.reply(0, "applied", "trading is off")
    bridge.turn_until(lambda: "[applied]" in bridge.chat.last.text, "its outcome")
    filler.unlink()
    bridge.advance(20)
    assert CommandTable(bridge.database).read_open() == []
    with bridge.database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT verb, state FROM command ORDER BY verb").all()
    assert [tuple(row) for row in rows] == [
        ("starttrading", "rejected"),
        ("stoptrading", "applied"),
    ]


def test_while_nothing_can_be_stored_memory_stays_bounded(
    full_disk: tuple[Harness, Path], make_bot: MakeBot
) -> None:
    bridge, folder = full_disk
    bot = make_bot(bridge)
    fill_up(folder)
    _break(bridge, bot)
    for _ in range(5_000):
        bot.outbox.add("z")
    bot.client.wake_outbox()
    for _ in range(50):
        bridge.turn(0.01)
    # The bot's window: it sends no more until something is acknowledged.
    assert bridge.bridge.parts.keeper.waiting + len(bridge.bridge.parts.intake._events) <= 2_048
