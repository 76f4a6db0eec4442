"""The first start of an account with real money: what is about to trade is shown, and confirmed.

`python -m trading confirm BOT_DIR` asks a person and keeps the answer; the start only looks it up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from daemonkit.errors import ConfigurationError, DaemonError, ExitCode
from trading.account_keys import load_keys
from trading.brokers.venue_keys import VenueKeys, fingerprint_of_key
from trading.config import BotConfig
from trading.settings.accounts import AccountTerms
from trading.settings.markets import currency_of, pairs_of
from trading.store.confirmation import Confirmed, check_confirmed, confirm_keys, read_confirmed
from trading.store.ownership import Owner

_WIDTH: Final = 10

Ask = Callable[[str], str]


class DeclinedError(DaemonError):
    """Say that a person did not confirm; nothing was changed."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Hold an account that may trade from now on, and with which key."""

    account: str
    exchange: str
    key: str
    is_new: bool


def live_terms(config: BotConfig) -> tuple[AccountTerms, ...]:
    """Return the accounts that trade real money."""
    return tuple(one for one in config.settings.account_terms() if not one.dry_run)


def check_live_accounts(
    config: BotConfig, owner: Owner, environ: Mapping[str, str]
) -> dict[str, VenueKeys]:
    """Return the keys of all live accounts, each confirmed by a person; raise what is missing."""
    keys = {terms.name: load_keys(config, terms.name, environ) for terms in live_terms(config)}
    check_confirmed(
        config.database,
        owner,
        _fingerprints(config, keys),
        command=f".venv/bin/python -m trading confirm {config.bot_dir}",
        restore_hint=config.restore_hint,
    )
    return keys


def confirm_accounts(
    config: BotConfig,
    owner: Owner,
    environ: Mapping[str, str],
    *,
    only: str | None,
    now: float,
    ask: Ask | None,
) -> Sequence[Confirmation]:
    """Have a person confirm what is not confirmed yet, one account or all; keep the answers.

    Without `ask` it is confirmed without a question. The caller holds the folder's lock.
    """
    chosen = _chosen(config, only)
    keys = {terms.name: load_keys(config, terms.name, environ) for terms in chosen}
    known = read_confirmed(config.database, owner, restore_hint=config.restore_hint)
    prints = _fingerprints(config, keys)
    results = []
    for terms in chosen:
        key, before = prints[terms.name], known.get(terms.name)
        is_new = before is None or before.key != key
        if is_new:
            if ask is not None:
                _ask(ask, terms.name, describe(config, terms, key, before))
            confirmed = {terms.name: Confirmed(key, now)}
            confirm_keys(config.database, owner, confirmed, config.restore_hint)
        results.append(Confirmation(terms.name, terms.exchange, key, is_new))
    return results


def describe(config: BotConfig, terms: AccountTerms, key: str, before: Confirmed | None) -> str:
    """Return what is about to trade real money, in lines."""
    trading, risk = config.settings.trading, config.settings.risk
    currency = currency_of(terms, config.settings)
    sides = "long and short" if terms.allow_short else "long only"
    amount = trading.trade_amount_usd
    size = "each says its size" if amount is None else f"{amount:g} {currency} each"
    target = "none" if risk.take_profit_pct is None else _percent(risk.take_profit_pct)
    rows = {
        "bot": f"{config.bot} ({config.bot_dir})",
        "account": terms.name,
        "exchange": f"{terms.exchange}, {terms.market_type}, {sides}, "
        f"leverage {terms.leverage:g} of at most {config.settings.max_leverage:g}",
        "money": "of a test venue (sandbox)" if terms.sandbox else "REAL",
        "key": key
        if before is None
        else f"{key}, another than before ({before.key}): it must belong to the same account",
        "pairs": ", ".join(pairs_of(terms, config.settings)),
        "entries": f"{size}; of the equity at most {_percent(trading.max_position_pct)} in one "
        f"market and {_percent(risk.max_exposure_pct)} in all",
        "exits": f"stop {_percent(risk.stop_loss_pct)}, target {target} from the entry",
        "limits": f"day {_percent(risk.daily_loss_pct)}, in all {_percent(risk.total_loss_pct)}, "
        f"from the peak {_percent(risk.max_drawdown_pct)}, {risk.losing_streak} losses in a row",
        "trading": trading.state,
    }
    return "\n".join(f"  {name:<{_WIDTH}}{text}" for name, text in rows.items())


def _ask(ask: Ask, account: str, text: str) -> None:
    question = f"This account is about to trade:\n{text}\nType its name, {account}, to confirm: "
    if ask(question).strip() != account:
        raise DeclinedError(f"account {account}: not confirmed, nothing was changed")


def _chosen(config: BotConfig, only: str | None) -> Sequence[AccountTerms]:
    live = live_terms(config)
    if only is None and live:
        return live
    chosen = [terms for terms in live if terms.name == only]
    if not chosen:
        names = ", ".join(terms.name for terms in live)
        if only is None or not names:
            found = "true in every account"
            raise ConfigurationError(
                config.file, "dry_run", found, "false, which trades real money", "nothing is live"
            )
        raise ConfigurationError(config.file, "accounts", only, f"the live ones: {names}")
    return chosen


def _fingerprints(config: BotConfig, keys: Mapping[str, VenueKeys]) -> dict[str, str]:
    exchanges = {terms.name: terms.exchange for terms in live_terms(config)}
    return {
        account: fingerprint_of_key(exchanges[account], one.trade) for account, one in keys.items()
    }


def _percent(fraction: float) -> str:
    return f"{fraction * 100:g} %"
