"""The limits of an account and its markets: what trips them, what they bar, what lifts them.

A limit trips once and stays until it is lifted: by a person, or, for the daily ones, by the next
trading day. After a lift its base is the present, so that it does not trip again at once. A
figure that is no number trips nothing and clears nothing. Owns no clock and no storage: its
owner persists `to_json()` when `is_dirty`.
"""

import json
from collections.abc import Iterable, Iterator
from math import inf, isfinite

from daemonkit.errors import StateError
from trading.model.account import MarketKey
from trading.model.position import Trade
from trading.risk.limit_bases import AccountBases, Bounds, MarketBases
from trading.risk.limit_values import LiftResult, Limit, Tripped, make_tripped
from trading.risk.settings import LimitSettings

__all__ = ["LiftResult", "Limit", "LimitBook", "Tripped"]


class LimitBook:
    """Hold which limits are tripped, and the bases from which the others count."""

    def __init__(self, settings: LimitSettings, saved_json: str | None = None) -> None:
        self._bounds = Bounds.of(settings)
        self._accounts: dict[str, AccountBases] = {}
        self._markets: dict[MarketKey, MarketBases] = {}
        self._is_dirty = False
        if saved_json:
            self._load(saved_json)

    @property
    def is_dirty(self) -> bool:
        """Tell whether anything changed since `to_json` was called last."""
        return self._is_dirty

    @property
    def tripped(self) -> list[Tripped]:
        """Return every tripped limit, the oldest first."""
        found = [tripped for bases in self._all() for tripped in bases.tripped.values()]
        return sorted(found, key=lambda tripped: tripped.at)

    def start_day(self, account: str, day: str, equity: float) -> list[Tripped]:
        """Begin a trading day: return the daily limits that it lifts.

        Naming the same day again changes nothing. Without a real equity the day begins with the
        next one that is.
        """
        bases = self._account(account)
        bases.next_day = "" if day == bases.day else day
        if not bases.next_day:
            return []
        bases.refresh(self._bounds)
        return self._begin_day(account, bases, equity) if isfinite(equity) else []

    def on_equity(self, account: str, equity: float, at: float) -> list[Tripped]:
        """Take the account's equity, open positions included; return the limits that trip."""
        bases = self._accounts.get(account)
        if bases is not None and bases.floor < equity <= bases.ceiling:
            return []
        return self._on_new_equity(account, equity, at)

    def on_symbol(
        self, key: MarketKey, day_profit: float, total_profit: float, base: float, at: float
    ) -> list[Tripped]:
        """Take a market's profit of the day and in all; return the limits that trip.

        `base` is the money that the fractions are of.
        """
        if not (isfinite(day_profit) and isfinite(total_profit) and 0 < base < inf):
            return []
        bases = self._market(key)
        self._is_dirty |= bases.take_bases(day_profit, total_profit)
        losses = bases.losses(day_profit, total_profit, base, self._bounds)
        if not losses:
            return []
        return self._keep(
            bases, [make_tripped(limit, *key, value, bound, at) for limit, value, bound in losses]
        )

    def on_trade(self, trade: Trade) -> list[Tripped]:
        """Count a closed trade: one that lost adds to the streak, one that won ends it."""
        profit = trade.profit
        if not profit.is_finite() or not profit:
            return []
        bases = self._market(trade.key)
        streak = bases.streak + 1 if profit < 0 else 0
        self._is_dirty |= streak != bases.streak
        bases.streak = streak
        limit, bound = Limit.LOSING_STREAK, self._bounds.losing_streak
        if streak == 0 or streak < bound or limit in bases.tripped:
            return []
        tripped = make_tripped(limit, *trade.key, streak, bound, trade.closed_at)
        return self._keep(bases, [tripped])

    def barring(self, key: MarketKey) -> list[Tripped]:
        """Return the tripped limits that forbid new risk in a market, the account's first."""
        return [
            one
            for bases in (self._accounts.get(key.account), self._markets.get(key))
            if bases is not None and bases.tripped
            for one in bases.tripped.values()
        ]

    def bases(self, account: str) -> AccountBases:
        """Return what an account's equity is compared with: one object for ever."""
        return self._account(account)

    def shift(self, account: str, amount: float) -> None:
        """Move what an account's losses count from: money came or went that is no profit."""
        bases = self._account(account)
        bases.shift(amount)
        bases.refresh(self._bounds)
        self._is_dirty = True

    def peak(self, account: str) -> float:
        """Return the highest equity that an account has had, or 0 before the first one."""
        bases = self._accounts.get(account)
        return bases.peak or 0.0 if bases is not None else 0.0

    def tripped_at(self, places: Iterable[MarketKey | str]) -> list[Tripped]:
        """Return the tripped limits of markets (by key) and of whole accounts (by name)."""
        found = [self._find(place) for place in places]
        return [one for bases in found if bases is not None for one in bases.tripped.values()]

    def lift(self, where: MarketKey | str, confirmed: bool) -> LiftResult:
        """Lift the limits of a market (by its key) or those of a whole account (by its name).

        A losing streak needs no confirmation; the others are refused without one.
        """
        bases = self._find(where)
        if bases is None:
            return LiftResult([], [])
        found = list(bases.tripped.values())
        lifted = [tripped for tripped in found if confirmed or not tripped.limit.needs_confirmation]
        for tripped in lifted:
            bases.lift(tripped.limit)
        self._is_dirty |= bool(lifted)
        self._refresh(bases)
        return LiftResult(lifted, [tripped for tripped in found if tripped not in lifted])

    def to_json(self) -> str:
        """Return what a later book is made of, and count it as persisted."""
        saved = {
            "accounts": {name: bases.to_saved() for name, bases in self._accounts.items()},
            "markets": [
                {"account": key.account, "symbol": key.symbol} | bases.to_saved()
                for key, bases in self._markets.items()
                if bases != MarketBases()
            ],
        }
        self._is_dirty = False
        return json.dumps(saved, allow_nan=False)

    def _on_new_equity(self, account: str, equity: float, at: float) -> list[Tripped]:
        if not isfinite(equity):
            return []
        bases = self._account(account)
        if bases.next_day:
            self._begin_day(account, bases, equity)
        self._is_dirty |= bases.take_bases(equity)
        tripped = [
            make_tripped(limit, account, "", value, bound, at)
            for limit, value, bound in bases.losses(equity, self._bounds)
        ]
        return self._keep(bases, tripped)

    def _begin_day(self, account: str, bases: AccountBases, equity: float) -> list[Tripped]:
        lifted = bases.begin_day(equity)
        for key, market in self._markets.items():
            if key.account == account:
                lifted += market.begin_day()
        self._is_dirty = True
        bases.take_bases(equity)
        bases.refresh(self._bounds)
        return lifted

    def _keep(self, bases: AccountBases | MarketBases, tripped: list[Tripped]) -> list[Tripped]:
        for each in tripped:
            bases.tripped[each.limit] = each
        self._is_dirty |= bool(tripped)
        self._refresh(bases)
        return tripped

    def _refresh(self, bases: AccountBases | MarketBases) -> None:
        if isinstance(bases, AccountBases):
            bases.refresh(self._bounds)

    def _all(self) -> Iterator[AccountBases | MarketBases]:
        yield from self._accounts.values()
        yield from self._markets.values()

    def _find(self, where: MarketKey | str) -> AccountBases | MarketBases | None:
        if isinstance(where, str):
            return self._accounts.get(where)
        return self._markets.get(where)

    def _account(self, account: str) -> AccountBases:
        found = self._accounts.get(account)
        if found is None:
            found = self._accounts[account] = AccountBases()
        return found

    def _market(self, key: MarketKey) -> MarketBases:
        found = self._markets.get(key)
        if found is None:
            found = self._markets[key] = MarketBases()
        return found

    def _load(self, saved_json: str) -> None:
        try:
            saved = json.loads(saved_json)
            for name, each in saved["accounts"].items():
                self._accounts[str(name)] = AccountBases.from_saved(each)
            for each in saved["markets"]:
                key = MarketKey(str(each["account"]), str(each["symbol"]))
                self._markets[key] = MarketBases.from_saved(each)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StateError(
                f"saved limits: found {saved_json[:80]!r} ({error}), allowed what this program"
                " wrote; restore the database from a backup"
            ) from error
        for bases in self._accounts.values():
            bases.refresh(self._bounds)
