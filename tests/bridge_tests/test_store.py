"""bridge.db: its schema, its migrations, and what is pruned from it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from daemonkit.storage.migrations import migration_head
from tcpproto.vocabulary import Role
from telegram.bridge.receipts import State
from telegram.bridge.records import CommandRecord, NewEvent
from telegram.bridge.store import schema
from telegram.bridge.store.commands import CommandTable
from telegram.bridge.store.database import HEAD, MIGRATIONS, Database
from telegram.bridge.store.events import EventTable
from tests.bridge_tests.harness import NOW, Harness
from tests.bridge_tests.scripted_bot import ScriptedBot

DAY_S = 86_400.0


def test_the_head_is_the_newest_migration() -> None:
    assert migration_head(MIGRATIONS) == HEAD


def test_the_migrations_build_the_schema(tmp_path: Path) -> None:
    database = Database(tmp_path / "bridge.db")
    expected = sa.create_engine("sqlite://")
    schema.metadata.create_all(expected)
    with database.reading() as built, expected.connect() as declared:
        assert _shape(built) == _shape(declared)
    database.close()
    expected.dispose()


def _shape(connection: sa.Connection) -> dict[str, object]:
    inspector = sa.inspect(connection)
    return {
        table: (
            [
                (column["name"], str(column["type"]), column["nullable"])
                for column in inspector.get_columns(table)
            ],
            [one["column_names"] for one in inspector.get_unique_constraints(table)],
            [one["column_names"] for one in inspector.get_indexes(table)],
        )
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def test_ids_are_never_given_out_twice(tmp_path: Path) -> None:
    database = Database(tmp_path / "bridge.db")
    table = EventTable(database)

    def append(seq: int) -> None:
        event = NewEvent("paper", "epoch", seq, "test", "info", {}, str(seq), NOW)
        table.append([event], {("paper", "epoch"): seq}, NOW)

    append(1)
    append(2)
    assert table.prune(NOW + 1, 10) == 2
    append(3)
    assert [event.id for event in table.read_after(0, 10)] == [3]
    database.close()


def test_old_rows_are_pruned_and_what_is_open_is_kept(
    bridge: Harness, make_bot: Callable[..., ScriptedBot]
) -> None:
    bot = make_bot(bridge)
    bot.raise_event("old")
    bridge.say("/starttrading")
    bridge.turn_until(lambda: bot.commands and bridge.events(), "the old event")
    bot.reply(0, "applied", "on")
    bridge.turn_until(lambda: bridge.chat.messages, "the outcome")
    bot.stop()
    bridge.away("paper")
    bridge.advance(89 * DAY_S)
    waiting = bridge.say("/stoptrading")
    bridge.advance(60)
    assert "old" in [event.text for event in bridge.events()]
    bridge.advance(0.9 * DAY_S)
    assert "old" in [event.text for event in bridge.events()]
    bridge.advance(0.2 * DAY_S)
    bridge.advance(3_600)
    assert "old" not in [event.text for event in bridge.events()]
    assert "[expired]" in waiting.text
    with bridge.database.reading() as connection:
        verbs = connection.exec_driver_sql("SELECT verb FROM command").scalars().all()
    assert verbs == ["stoptrading"]


def test_a_command_is_kept_whole_and_in_its_latest_form(tmp_path: Path) -> None:
    database = Database(tmp_path / "bridge.db")
    table = CommandTable(database)
    first = CommandRecord(
        id="tg:42:7",
        bot="paper",
        verb="buy",
        args=("BTC/USDT", "0.01"),
        author="tg:42",
        role=Role.TRADER,
        chat="tg:-100:3",
        issued_at=NOW,
        expires_at=NOW + 30.0,
        state=State.SENT,
        sent_at=NOW + 0.5,
        account="main",
        confirmed=True,
    )
    last = replace(
        first,
        state=State.APPLIED,
        text="bought",
        fields={"order": [1, "x"]},
        message_id=12,
        finished_at=NOW + 1.0,
    )
    assert not table.knows(first.id)
    table.save([first, replace(first, id="tg:42:8")])
    assert table.read_one(first.id) == first
    table.save([last])
    assert table.read_one(first.id) == last
    assert [one.id for one in table.read_open()] == ["tg:42:8"]
    assert table.knows("tg:42:8")
    database.close()


@pytest.mark.parametrize("table", ["event", "command", "cursor"])
def test_the_tables_are_there(tmp_path: Path, table: str) -> None:
    database = Database(tmp_path / "bridge.db")
    with database.reading() as connection:
        assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0
    database.close()
