"""A trading floor for stories: a core on paper with what it has kept, told things one by one.

The memory stands for the database: it holds exactly what the effects said, and a restart makes
a second core from it. It also holds the engine to what every database relies on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from tcpproto import Reply, ReplyState
from tests.trading_tests.makers import (
    BTC,
    NOW,
    events_of,
    make_command,
    make_core,
    make_health,
    make_setup,
    make_trader,
    of_kind,
)
from trading.engine.core import EngineCore
from trading.engine.effects import (
    AnswerNow,
    DropPosition,
    Effect,
    RecordOutcome,
    SaveFill,
    SaveOrder,
    SavePosition,
    SaveState,
    SaveTrade,
    SendReply,
)
from trading.engine.events import (
    CommandReceived,
    EngineEvent,
    EngineStarted,
    StoreFault,
    StoreRecovered,
    StoreTrouble,
)
from trading.engine.setup import InstanceSetup, SavedTrading, TradingSetup
from trading.engine.trader import Trader
from trading.model.account import MarketKey
from trading.model.event import DurableEvent
from trading.model.market import Bar, Tick
from trading.model.order import Fill, Order
from trading.model.order_states import TRANSITIONS, OrderState
from trading.model.position import Position, Trade
from trading.strategies.calls import CallGuard

D = Decimal


def _reachable() -> Mapping[OrderState, frozenset[OrderState]]:
    following: dict[OrderState, set[OrderState]] = {state: {state} for state in OrderState}
    for _ in OrderState:
        for (state, _trigger), after in TRANSITIONS.items():
            for known in following.values():
                if state in known:
                    known.add(after)
    return {state: frozenset(known) for state, known in following.items()}


REACHABLE = _reachable()


@dataclass
class Memory:
    """Hold what a database would after the effects that it was given."""

    values: dict[str, str] = field(default_factory=dict)
    orders: dict[tuple[str, str], Order] = field(default_factory=dict)
    positions: dict[MarketKey, Position] = field(default_factory=dict)
    fills: dict[tuple[str, str], Fill] = field(default_factory=dict)
    trades: dict[int, Trade] = field(default_factory=dict)

    def apply(self, effects: Sequence[Effect]) -> None:
        """Take in the effects of one event."""
        for effect in effects:
            if isinstance(effect, SaveState):
                self.values[effect.key] = effect.value
            elif isinstance(effect, SaveOrder):
                self._keep_order(effect.order)
            elif isinstance(effect, SaveFill):
                key = (effect.fill.account, effect.fill.fill_id)
                assert key not in self.fills, f"a fill is kept twice: {key}"
                self.fills[key] = effect.fill
            elif isinstance(effect, SavePosition):
                self.positions[effect.position.key] = effect.position
            elif isinstance(effect, DropPosition):
                self.positions.pop(MarketKey(effect.account, effect.symbol), None)
            elif isinstance(effect, SaveTrade):
                number = effect.trade.number
                assert number not in self.trades, f"a trade number is given twice: {number}"
                self.trades[number] = effect.trade

    @property
    def saved(self) -> SavedTrading:
        """Return what a next run is made from."""
        return SavedTrading(
            values=dict(self.values),
            orders=sorted(self.orders.values(), key=lambda one: (one.created_at, one.id)),
            positions=list(self.positions.values()),
            trades=[self.trades[number] for number in sorted(self.trades)],
            fill_ids=list(self.fills),
        )

    def _keep_order(self, order: Order) -> None:
        before = self.orders.get((order.account, order.id))
        if before is not None:
            assert order.state in REACHABLE[before.state], f"{before.state} became {order.state}"
            assert order.filled >= before.filled
        self.orders[order.account, order.id] = order


class Said(NamedTuple):
    """Hold what a command was answered."""

    state: ReplyState
    text: str


class Floor:
    """Run a core by hand: ticks a second apart, candles a minute long, a clock that obeys."""

    def __init__(
        self,
        *instances: InstanceSetup,
        calls: CallGuard | None = None,
        trading: bool = True,
        setup: TradingSetup | None = None,
        **rules: Any,
    ) -> None:
        self.setup = setup or make_setup(*instances, **rules)
        self.memory = Memory()
        self.wall = self.now = NOW
        self.uptime_s = 0.0
        self.events: list[DurableEvent] = []
        self.replies: list[Reply] = []
        self.effects: list[Effect] = []
        self.runs = 0
        self._calls = calls
        self._commands = 0
        self._held_back: list[Sequence[Effect]] | None = None
        self.trader: Trader
        self.core: EngineCore
        self.restart()
        if trading:
            self.do("starttrading")

    def restart(self, *instances: InstanceSetup, **changes: Any) -> None:
        """Kill the core and start another one from what was kept."""
        self.runs += 1
        self._held_back = None
        if instances:
            changes["instances"] = instances
        self.setup = replace(self.setup, run=f"run-{self.runs}", **changes)
        saved = self.memory.saved
        self.trader = make_trader(self.setup, saved, self._calls)
        self.core = make_core(saved.values, self.trader)
        self.tell(EngineStarted(self.wall))
        self.sample(0.0)

    def tell(self, event: EngineEvent) -> list[Effect]:
        """Let the core process one event, and keep what it says."""
        self.effects = list(self.core.process(event))
        if self._held_back is None:
            self.memory.apply(self.effects)
        else:
            self._held_back.append(self.effects)
        self.events += events_of(self.effects)
        self.replies += [one.reply for one in of_kind(self.effects, AnswerNow)]
        self.replies += [one.reply for one in of_kind(self.effects, SendReply)]
        self.replies += [one.outcome.to_reply() for one in of_kind(self.effects, RecordOutcome)]
        return self.effects

    def tick(
        self, price: float, symbol: str = BTC, *, size: float = 1.0, after_s: float = 1.0
    ) -> list[Effect]:
        """Tell a price, a second later."""
        self._pass(after_s)
        return self.tell(Tick(symbol, price, size, self.now))

    def ticks(self, *prices: float, symbol: str = BTC) -> None:
        """Tell several prices."""
        for price in prices:
            self.tick(price, symbol)

    def bar(
        self, *prices: float, symbol: str = BTC, volume: float = 100.0, interval_s: int = 60
    ) -> list[Effect]:
        """Tell a candle that went through these prices, from its open to its close."""
        start = self.now
        self._pass(interval_s)
        low, high = min(prices), max(prices)
        return self.tell(Bar(symbol, start, interval_s, prices[0], high, low, prices[-1], volume))

    def sample(self, after_s: float = 1.0, *, jump_s: float = 0.0, **figures: Any) -> list[Effect]:
        """Let the health be sampled; the wall clock may jump."""
        self.wall += after_s + jump_s
        self.uptime_s += after_s
        return self.tell(make_health(self.wall, uptime_s=self.uptime_s, **figures))

    def do(self, verb: str, *args: str, confirmed: bool = True, **more: Any) -> Said:
        """Give a command as an admin would, confirmed; return its outcome, or what is said yet."""
        self._commands += 1
        command_id = more.pop("command_id", f"c{self._commands}")
        age_s, is_known = more.pop("age_s", 0.0), more.pop("is_history_known", True)
        issued_at = self.wall - age_s
        times = {"issued_at": issued_at, "expires_at": more.pop("expires_at", issued_at + 90_000)}
        named = {"role": "admin", "command_id": command_id, "confirmed": confirmed} | times | more
        command = make_command(verb, *args, **named)
        self.tell(CommandReceived(command, self.wall, is_known))
        return self.said(command_id)

    def said(self, command_id: str) -> Said:
        """Return the last answer to a command."""
        reply = next(one for one in reversed(self.replies) if one.reply_to == command_id)
        return Said(reply.state, reply.text)

    def break_store(self, trouble: StoreTrouble = StoreTrouble.FULL) -> None:
        """Let nothing be kept from now on."""
        self._held_back = self._held_back or []
        self.tell(StoreFault(trouble, "no space", self.wall))

    def mend_store(self) -> None:
        """Let everything be kept that was held back, in order."""
        for effects in self._held_back or []:
            self.memory.apply(effects)
        self._held_back = None
        self.tell(StoreRecovered(1.0, self.wall))

    def held(self, symbol: str = BTC, account: str = "main") -> Position | None:
        """Return a position."""
        return self.trader.desks[account].book.positions.get(symbol)

    def position(self, symbol: str = BTC, account: str = "main") -> Position:
        """Return a position that must be there."""
        found = self.held(symbol, account)
        assert found is not None, f"no position in {symbol} on {account}"
        return found

    def orders(self, symbol: str = BTC, account: str = "main") -> list[Order]:
        """Return the open orders of a market."""
        return list(self.trader.orders.open_orders(MarketKey(account, symbol)))

    def order(self, symbol: str = BTC, account: str = "main") -> Order:
        """Return the only open order of a market."""
        (order,) = self.orders(symbol, account)
        return order

    @property
    def trades(self) -> list[Trade]:
        """Return all closed trades, the oldest first."""
        return [self.memory.trades[number] for number in sorted(self.memory.trades)]

    @property
    def trade(self) -> Trade:
        """Return the only closed trade."""
        (trade,) = self.trades
        return trade

    def cash(self, account: str = "main") -> Decimal:
        """Return the cash of an account."""
        return self.trader.desks[account].book.cash

    def told(self, kind: str) -> list[str]:
        """Return the texts of the events of a kind."""
        return [event.text for event in self.events if event.kind == kind]

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of all events, in order."""
        return [event.kind for event in self.events]

    def why(self) -> str:
        """Return what the last decisions were, as /why says it."""
        return self.do("why").text

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds
        self.uptime_s += seconds
