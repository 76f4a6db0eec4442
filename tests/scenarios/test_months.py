"""A month of the market with an exchange in trouble: the bot's equity is the exchange's.

MARKET_DATA may name a folder with recorded candles of a minute, in `btc_perp_1m.csv.gz`.
"""

import os
from pathlib import Path

import pytest

from tests.scenarios.month import made_candles, recorded_candles, trade_a_month

RECORDED = Path(os.environ.get("MARKET_DATA", "")) / "btc_perp_1m.csv.gz"

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]


@pytest.mark.parametrize("exchange", ["kraken", "kraken-margin"])
def test_after_a_month_with_an_exchange_in_trouble_the_equity_is_the_exchanges(
    exchange: str, tmp_path: Path
) -> None:
    month = trade_a_month(exchange, made_candles(1), tmp_path)
    assert month.fills > 100
    assert month.compared > 150
    assert month.bot.runs > 10


@pytest.mark.skipif(not RECORDED.is_file(), reason="MARKET_DATA names no recorded candles")
def test_after_a_recorded_month_the_equity_is_the_exchanges(tmp_path: Path) -> None:
    month = trade_a_month("kraken-margin", recorded_candles(RECORDED), tmp_path)
    assert month.fills > 100
    assert month.compared > 150
