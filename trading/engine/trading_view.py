"""What people are shown of trading: the trader's state as the values that reports draw from."""

from collections.abc import Container, Iterable, Sequence
from typing import Any

from trading.engine.desks import AccountDesk
from trading.engine.differences import cash_figure
from trading.engine.instances import Instance
from trading.engine.protection import STOP, is_resting
from trading.engine.states import TradingIntent
from trading.engine.trader import Trader
from trading.model.account import MarketKey, MarketType
from trading.model.mode import Mode
from trading.model.order import Side
from trading.model.position import Position
from trading.reports.drawdown import Drawdown, account_drawdown, market_drawdown
from trading.reports.state_view import AccountMoney, StateView, state_fields
from trading.reports.statistics import Statistics
from trading.reports.status_parts import (
    AccountView,
    FlagView,
    HoldingView,
    InstanceView,
    TradingView,
    TrippedView,
)
from trading.risk.sizing import reserve_of


def view_trading(
    trader: Trader, *, is_running: bool = True, only: Container[MarketKey] | None = None
) -> TradingView:
    """Return everything that the money part of a status shows, its positions of all markets."""
    conditions, desks = trader.conditions, trader.desks.values()
    return TradingView(
        is_running=is_running,
        is_trading_on=conditions.flags.trading is TradingIntent.ON,
        is_paused=bool(conditions.flags.paused),
        kill=conditions.latch.why,
        pairs=sum(len(desk.markets) for desk in desks),
        accounts=[view_account(trader, desk) for desk in desks],
        holdings=[
            view_holding(trader, position)
            for desk in desks
            for position in desk.book.positions.values()
            if only is None or position.key in only
        ],
        orders=trader.orders.open_orders(),
        at=max(0.0, trader.markets.now),
        flags=_view_flags(trader),
        tripped=[
            TrippedView(one.limit, one.account, one.symbol, one.text, one.lifted_by)
            for one in conditions.limits.tripped
        ],
        instances=[_view_instance(one) for one in trader.instances.all],
        differences=trader.reconciliation.differences.open,
    )


def view_account(trader: Trader, desk: AccountDesk) -> AccountView:
    """Return the money of one account."""
    account, book, venue = desk.account, desk.book, desk.venue
    margin, collateral = None if venue is None else venue.margin, None
    if account.market_type is not MarketType.SPOT:
        held = book.positions.values()
        collateral = cash_figure(book.cash, held, has_positions_apart=True)
    return AccountView(
        name=account.name,
        exchange=account.exchange,
        is_paper=account.is_paper,
        currency=account.currency,
        can_short=account.can_short,
        cash=book.cash,
        equity=book.equity(),
        exposure=book.exposure(),
        capital=float(desk.start_cash),
        reserved=reserve_of(trader.orders.open_of_account(desk.name)),
        day_profit=sum(desk.day_profit(symbol) for symbol in desk.markets),
        trouble="" if venue is None else venue.account_trouble,
        residues={symbol: one.quantity for symbol, one in book.residues.items()},
        collateral=collateral,
        venue_equity=None if margin is None else margin.equity,
        free_margin=None if margin is None else margin.free,
    )


def view_holding(trader: Trader, position: Position) -> HoldingView:
    """Return one position at the last price."""
    book = trader.desks[position.account].book
    price = trader.markets.by_symbol[position.symbol].price
    profit = book.unrealised(position.symbol)
    cost = float(position.entry_price * abs(position.quantity))
    refused = trader.dealer.stuck.reason_of(position.key) if position.closing else ""
    orders = trader.orders.open_orders(position.key)
    return HoldingView(
        position=position,
        price=price,
        value=book.value(position.symbol),
        profit=profit,
        profit_fraction=profit / cost if cost else None,
        liquidation_price=trader.reconciliation.liquidation_price(position.key),
        refused=refused,
        is_bare=bool(refused) and not is_resting(position, STOP, orders),
    )


def view_statistics(
    trader: Trader, keys: Iterable[MarketKey], *, with_totals: bool = True
) -> list[Statistics]:
    """Return the figures of some markets, after those of all trades of their accounts."""
    at, statistics = max(0.0, trader.markets.now), trader.history.statistics
    keys = list(keys)
    desks = [trader.desks[name] for name in dict.fromkeys(key.account for key in keys)]
    rows = _totals(trader, desks, at) if with_totals else []
    for key in keys:
        desk = trader.desks[key.account]
        fallen = market_drawdown(
            base=float(desk.start_cash),
            day_profit=desk.day_profit(key.symbol),
            total_profit=desk.total_profit(key.symbol),
        )
        rows.append(statistics.of(key, at, fallen))
    return rows


def _totals(trader: Trader, desks: Sequence[AccountDesk], at: float) -> list[Statistics]:
    """Return one sum over all accounts, or one for each where no sum means anything."""
    statistics = trader.history.statistics
    is_all = len(desks) == len(trader.desks)
    if is_all and len({desk.account.currency for desk in desks}) == 1:
        return [statistics.total(at, _fall_of(trader, desks))]
    return [statistics.of_account(one.name, at, _fall_of(trader, [one])) for one in desks]


def view_state(
    trader: Trader, *, bot: str, mode: str, is_running: bool, at: float
) -> dict[str, Any]:
    """Return the content of state.json."""
    desks = trader.desks.values()
    positions = [one for desk in desks for one in desk.book.positions.values()]
    instances = trader.setup.instances
    last = next(iter(positions), None) or next(iter(trader.history.last(1)), None)
    view = StateView(
        bot=bot,
        mode=mode,
        is_running=is_running,
        is_trading_on=trader.conditions.flags.trading is TradingIntent.ON,
        strategy=", ".join(sorted({one.type.name for one in instances})),
        trading_pair=next((one.symbol for one in instances), ""),
        positions=positions,
        last_signal="" if last is None else "LONG" if last.side is Side.BUY else "SHORT",
        accounts=[_view_money(trader, desk) for desk in desks],
        updated_at=at,
    )
    return state_fields(view)


def _view_money(trader: Trader, desk: AccountDesk) -> AccountMoney:
    figures = trader.history.statistics.of_account(desk.name, max(0.0, trader.markets.now))
    return AccountMoney(desk.name, desk.account.currency, desk.book.equity(), figures.profit_24h)


def _fall_of(trader: Trader, desks: Sequence[AccountDesk]) -> Drawdown:
    equity = sum(desk.book.equity() for desk in desks)
    day_profit = sum(desk.day_profit(symbol) for desk in desks for symbol in desk.markets)
    peak = sum(max(trader.conditions.limits.peak(desk.name), desk.book.equity()) for desk in desks)
    return account_drawdown(day_start=equity - day_profit, peak=peak, equity=equity)


def _view_flags(trader: Trader) -> list[FlagView]:
    flags = trader.conditions.flags
    shown = []
    for desk in trader.desks.values():
        for key in desk.markets.values():
            buying, selling = flags.buying_off(key), flags.selling_off(key)
            if buying or selling:
                shown.append(FlagView(key, not buying, not selling, buying, selling))
    return shown


def _view_instance(instance: Instance) -> InstanceView:
    setup = instance.setup
    state = "off" if setup.mode is Mode.OFF else "running"
    return InstanceView(
        name=setup.id,
        strategy=setup.type.name,
        symbol=setup.symbol,
        mode=setup.mode,
        state=f"stopped: {instance.stopped}" if instance.stopped else state,
    )
