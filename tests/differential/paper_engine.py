"""The paper exchange, told a tape."""

from decimal import Decimal

from tests.differential.tapes import SYMBOL, Cancel, Outcome, Placed, Tape
from trading.brokers.paper.exchange import PaperExchange
from trading.brokers.paper.terms import PaperTerms
from trading.model.account import Account, MarketType
from trading.model.instrument import Instrument, to_decimal
from trading.model.market import Bar, Tick
from trading.model.order import Order, Purpose
from trading.model.report import OrderFilled, OrderRejected, Report

STEP = Decimal("0.01")


def run_paper(tape: Tape, *, as_ticks: bool = False) -> Outcome:
    """Return what the paper exchange makes of a tape; flat candles can be told as ticks."""
    outcome = Outcome()
    exchange = _make_exchange(tape)
    for index, bar in enumerate(tape.bars):
        if exchange.busy:
            reports = _match_tick(exchange, bar) if as_ticks else exchange.on_bar_range(bar)
            _note(outcome, index, reports)
        for action in tape.actions.get(index, ()):
            if isinstance(action, Cancel):
                exchange.cancel(action.name, bar.end)
            else:
                (report,) = exchange.submit(_order(action, bar.end), bar.end)
                assert not isinstance(report, OrderRejected), report
    held = exchange.holdings.get(SYMBOL, Decimal(0))
    outcome.position = float(held)
    outcome.equity = float(exchange.cash + held * to_decimal(tape.bars[-1].close))
    return outcome


def _match_tick(exchange: PaperExchange, bar: Bar) -> list[Report]:
    return exchange.on_tick(Tick(bar.symbol, bar.open, bar.volume, bar.start))


def _make_exchange(tape: Tape) -> PaperExchange:
    account = Account(
        "main", "paper", MarketType.SWAP, True, "USDT", can_short=True, leverage=Decimal(1000)
    )
    fee = to_decimal(tape.fee)
    share = None if tape.share_pct is None else Decimal(tape.share_pct) / 100
    terms = PaperTerms(fee, fee, to_decimal(tape.slippage), volume_share=share)
    instrument = Instrument(SYMBOL, "BTC", "USDT", STEP, quantity_step=Decimal(1))
    exchange = PaperExchange(account, terms, {SYMBOL: instrument})
    exchange.restore(cash=to_decimal(tape.cash), holdings={}, orders=[], at=0.0)
    return exchange


def _order(placed: Placed, at: float) -> Order:
    limit, stop = placed.limit_price, placed.stop_price
    return Order(
        placed.name,
        "main",
        SYMBOL,
        placed.side,
        placed.type,
        Purpose.ENTRY,
        Decimal(placed.quantity),
        created_at=at,
        limit_price=None if limit is None else to_decimal(limit),
        stop_price=None if stop is None else to_decimal(stop),
    )


def _note(outcome: Outcome, index: int, reports: list[Report]) -> None:
    for report in reports:
        if isinstance(report, OrderFilled):
            fill = report.fill
            outcome.add(fill.order_id, index, float(fill.price), float(fill.quantity))
