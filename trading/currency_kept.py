"""Whether the money that is kept of an account on paper is still counted in its currency.

The figures of another one would be taken for those of the new: 9,000 USDT for 9,000 EUR. The money
of a real account is compared with its exchange instead.
"""

from collections.abc import Mapping

from daemonkit.errors import ConfigurationError
from trading.config import BotConfig
from trading.engine.desks import CASH_KEY, CURRENCY_KEY
from trading.settings_of import accounts_of


def check_currency_stays(config: BotConfig, values: Mapping[str, str]) -> None:
    """Refuse pairs in another currency than an account has traded in."""
    for account in accounts_of(config):
        known = values.get(CURRENCY_KEY + account.name, "")
        has_traded = CASH_KEY + account.name in values
        if account.is_paper and has_traded and known not in ("", account.currency):
            raise ConfigurationError(
                config.file,
                "trading.pairs",
                f"markets in {account.currency} for account {account.name}, which traded {known}",
                f"markets in {known}",
                "give the account of another currency another name, or `reset` the bot",
            )
