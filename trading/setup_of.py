"""From a configuration and what the store kept to everything that trading is made with."""

from collections.abc import Mapping

from daemonkit.errors import ConfigurationError
from trading.config import BotConfig
from trading.currency_kept import check_currency_stays
from trading.engine.quarantine import PREFIX as QUARANTINE_PREFIX
from trading.engine.quarantine import dump_quarantine, quarantine_of
from trading.engine.setup import AccountSetup, InstanceSetup, SavedTrading, TradingSetup
from trading.instances_of import LoadedInstance, fingerprint_of, load_instances
from trading.market.feed import Feed
from trading.model.account import Account
from trading.model.order import Order
from trading.model.order_states import OPEN
from trading.model.position import Position
from trading.settings_of import (
    accounts_of,
    instruments_of,
    limit_settings,
    pairs_of_account,
    paper_balance_of,
    paper_terms_of,
    risk_settings,
)
from trading.store.database import StateDatabase
from trading.store.trading_tables import SavedTrading as KeptTrading
from trading.strategies.calls import FrozenCall


def load_saved_trading(database: StateDatabase, kept: KeptTrading) -> SavedTrading:
    """Return what earlier runs left, trades included."""
    return SavedTrading(
        values=database.load_saved(),
        orders=kept.orders,
        positions=kept.positions,
        trades=kept.read_trades(0),
        fill_ids=kept.fill_ids,
    )


def build_trading_setup(
    config: BotConfig,
    feed: Feed,
    values: Mapping[str, str],
    kept: KeptTrading,
    *,
    run: str,
    frozen: FrozenCall | None,
) -> TradingSetup:
    """Return what the trader is made with; ConfigurationError says what is wrong."""
    settings = config.settings
    check_nothing_is_left_out(config, kept)
    check_currency_stays(config, values)
    return TradingSetup(
        bot=config.bot,
        run=run,
        accounts=[_account_setup(config, account) for account in accounts_of(config)],
        instruments=instruments_of(config),
        instances=[_instance_setup(one, values, frozen) for one in load_instances(config)],
        risk=risk_settings(config),
        limits=limit_settings(config),
        zone=config.zone,
        is_allowed=settings.trading.state == "allowed",
        ranges_by_bars=not feed.ticks_show_ranges,
        frozen="" if frozen is None else frozen.cause,
    )


def quarantines_of(setup: TradingSetup) -> dict[str, str]:
    """Return the values that keep the stopped instances stopped."""
    return {
        QUARANTINE_PREFIX + one.id: dump_quarantine(one.quarantine, one.fingerprint)
        for one in setup.instances
        if one.quarantine
    }


def check_nothing_is_left_out(config: BotConfig, kept: KeptTrading) -> None:
    """Refuse to start when what is held could neither be priced nor sold."""
    pairs = {
        (account.name, symbol)
        for account in accounts_of(config)
        for symbol in pairs_of_account(config, account.name)
    }
    left: list[Position | Order] = list(kept.positions)
    left += [one for one in kept.orders if one.state in OPEN]
    for one in left:
        if (one.account, one.symbol) not in pairs:
            what = "a position" if isinstance(one, Position) else "an order"
            raise ConfigurationError(
                config.file,
                "trading.pairs",
                f"no {one.symbol} in account {one.account}, where {what} is open",
                "every market with something open",
                "put it back, /flatten, then take it out",
            )


def _account_setup(config: BotConfig, account: Account) -> AccountSetup:
    return AccountSetup(
        account,
        pairs_of_account(config, account.name),
        paper_balance_of(config, account.name),
        paper_terms_of(config, account.name) if account.is_paper else None,
    )


def _instance_setup(
    loaded: LoadedInstance, values: Mapping[str, str], frozen: FrozenCall | None
) -> InstanceSetup:
    spec = loaded.spec
    fingerprint = fingerprint_of(loaded)
    quarantine = quarantine_of(values, spec.id, fingerprint)
    if frozen is not None and frozen.instance == spec.id:
        quarantine = frozen.cause
    return InstanceSetup(
        id=spec.id,
        type=loaded.type,
        account=spec.account,
        symbol=spec.symbol,
        mode=spec.mode,
        config=loaded.config,
        fingerprint=fingerprint,
        quarantine=quarantine,
    )
