"""Money that was counted in one currency is never taken for that of another."""

from pathlib import Path

import pytest

from daemonkit.errors import ConfigurationError
from tests.trading_tests.engine.floor import Floor
from trading.config import BotConfig, load_config
from trading.currency_kept import check_currency_stays
from trading.engine.desks import CASH_KEY, CURRENCY_KEY

TRADED = {CASH_KEY + "main": "9000", CURRENCY_KEY + "main": "USDT"}


def paid_in(folder: Path, currency: str, *, account: str = "main") -> BotConfig:
    text = f"feed: {{kind: synthetic, symbols: [BTC/{currency}]}}\naccounts: {{{account}: {{}}}}\n"
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return load_config(folder, {"VAR_DIR": str(folder / "var")})


def test_an_account_that_traded_in_one_currency_never_goes_on_in_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_currency_stays(paid_in(tmp_path, "EUR"), TRADED)
    said = str(refused.value)
    assert "found markets in EUR for account main, which traded USDT" in said
    assert "`reset` the bot" in said
    check_currency_stays(paid_in(tmp_path, "USDT"), TRADED)


def test_another_account_or_one_that_never_traded_may_have_any_currency(tmp_path: Path) -> None:
    check_currency_stays(paid_in(tmp_path, "EUR", account="second"), TRADED)
    check_currency_stays(paid_in(tmp_path, "EUR"), {CURRENCY_KEY + "main": "USDT"})
    check_currency_stays(paid_in(tmp_path, "EUR"), {CASH_KEY + "main": "9000"})


def test_the_currency_is_kept_from_the_first_start_on() -> None:
    floor = Floor()
    assert floor.memory.saved.values[CURRENCY_KEY + "main"] == "USDT"
