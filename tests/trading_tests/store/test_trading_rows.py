"""Rows of what is traded: every field comes back, to the last digit, also through SQLite."""

import sqlite3
from contextlib import closing
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemonkit.secrets import Secret
from tests.trading_tests.store import trading_values as values
from trading.model.order import Fill, Order
from trading.model.position import Position, Trade
from trading.store import trading_rows as rows
from trading.store.schema import FILL, METADATA, POSITION, TRADE, TRADE_ORDER
from trading.store.statements import columns_of

CASES = [
    (TRADE_ORDER, values.orders, rows.order_to_row, rows.order_from_row),
    (FILL, values.fills, rows.fill_to_row, rows.fill_from_row),
    (POSITION, values.positions, rows.position_to_row, rows.position_from_row),
    (TRADE, values.trades, rows.trade_to_row, rows.trade_from_row),
]


@given(st.data())
def test_every_field_survives_the_database(data: st.DataObject) -> None:
    table, made, to_row, from_row = data.draw(st.sampled_from(CASES))
    value = data.draw(made)
    found = from_row(through_sqlite(table.name, to_row(value)))
    assert found == value
    for one in fields(value):
        # Equal is not enough: 1.10 must not come back as 1.1. (A float -0.0 may become 0.0.)
        before, after = getattr(value, one.name), getattr(found, one.name)
        assert isinstance(before, float) or repr(after) == repr(before), one.name


def through_sqlite(table: str, row: tuple[object, ...]) -> Any:
    with closing(sqlite3.connect(":memory:")) as connection:
        marks = ", ".join("?" for _ in row)
        types = ", ".join(
            f"{column.name} {column.type.compile()}" for column in METADATA.tables[table].c
        )
        connection.execute(f"CREATE TABLE {table} ({types})")
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        columns = columns_of(METADATA.tables[table])
        return connection.execute(f"SELECT {columns} FROM {table}").fetchone()


@pytest.mark.parametrize(
    ("table", "kind"),
    [(TRADE_ORDER, Order), (FILL, Fill), (POSITION, Position), (TRADE, Trade)],
)
def test_the_tables_have_a_column_for_every_field(table: Any, kind: Any) -> None:
    assert {column.name for column in table.c} == {one.name for one in fields(kind)}


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        ("quantity", "1,5"),
        ("quantity", "NaN"),
        ("quantity", "Infinity"),
        ("quantity", 1.5),
        ("quantity", None),
        ("side", "BUY"),
        ("state", "gone"),
        ("exit_plan", "[]"),
        ("exit_plan", "{}"),
        ("exit_plan", '{"trail": 1'),
        ("created_at", "yesterday"),
        ("reduce_only", 2),
        ("accepted_at", "x"),
        ("id", 7),
    ],
)
def test_a_value_that_is_not_what_it_should_be_is_refused(column: str, wrong: object) -> None:
    row = list(rows.order_to_row(values.make_order()))
    row[[one.name for one in TRADE_ORDER.c].index(column)] = wrong
    with pytest.raises((ValueError, KeyError)):
        rows.order_from_row(row)


def test_texts_of_others_are_kept_without_secrets_and_storable() -> None:
    planted = Secret("swordfish-4711-swordfish")
    order = values.make_order(note="refused: swordfish-4711-swordfish", reason="odd \ud800 one")
    row = rows.order_to_row(order)
    assert "swordfish" not in str(row)
    assert rows.order_from_row(row).reason == "odd ? one"
    assert planted
