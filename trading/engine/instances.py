"""The running strategy instances: called with ticks and candles, one failing without the others.

What a strategy wished for is carried out after its call has returned, so that a call which is
interrupted or raises has done nothing. One that hangs, or fails again and again, is stopped; its
position keeps its stop.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from trading.engine.markets import Markets
from trading.engine.setup import InstanceSetup
from trading.model.account import key_of
from trading.model.market import Bar, Tick
from trading.model.mode import Mode
from trading.strategies.base import Strategy, handles_bars, handles_ticks
from trading.strategies.calls import CallGuard, CallInterrupted, Runner
from trading.strategies.context import Desk, StrategyContext
from trading.strategies.failures import describe_failure
from trading.strategies.wishes import Wish

# So many failing calls in a row stop an instance: nothing will come of the next one either.
FAILURES_MAX: Final = 10


class Instance:
    """Hold one instance: what it is, the strategy that runs, and how it is."""

    __slots__ = ("context", "failures", "key", "number", "setup", "stopped", "strategy", "wishes")

    def __init__(self, setup: InstanceSetup, number: int) -> None:
        self.setup = setup
        # The market of the account that it trades.
        self.key = key_of(setup.account, setup.symbol)
        self.number = number
        self.stopped = setup.quarantine
        self.failures = 0
        # What the strategy wished for and nobody has taken yet; its context writes it.
        self.wishes: list[Wish] = []
        self.context: StrategyContext | None = None
        self.strategy: Strategy | None = None

    def take_wishes(self) -> Sequence[Wish]:
        """Return what the strategy wished for, and forget it."""
        return () if self.context is None else self.context.take_wishes()

    @property
    def is_active(self) -> bool:
        """Tell whether it may act and not only watch."""
        return self.setup.mode is Mode.ACTIVE

    @property
    def is_running(self) -> bool:
        """Tell whether it is loaded and called."""
        return self.strategy is not None and not self.stopped


class InstanceBoard:
    """Call the instances of each market.

    `carry_out` is given an instance and its wishes; `on_failure` an instance, the error, and
    whether that stopped it.
    """

    def __init__(
        self,
        setups: Sequence[InstanceSetup],
        *,
        markets: Markets,
        desk: Desk,
        calls: CallGuard,
        carry_out: Callable[[Instance, Sequence[Wish]], None],
        on_failure: Callable[[Instance, BaseException], None],
    ) -> None:
        self.all = [Instance(setup, number) for number, setup in enumerate(setups, 1)]
        self._markets = markets
        self._desk = desk
        self._calls = calls
        # Makes calls until one leaves something to attend to.
        self.call_next = calls.run_next
        self._carry_out = carry_out
        self._on_failure = on_failure

    def load(self) -> None:
        """Make the strategies of all instances that are on."""
        for instance in self.all:
            if instance.setup.mode is not Mode.OFF and not instance.stopped:
                self._load(instance)

    @property
    def by_id(self) -> Mapping[str, Instance]:
        """Return the instances by id."""
        return {instance.setup.id: instance for instance in self.all}

    def call(self, runners: Iterable[Runner], event: Tick | Bar) -> None:
        """Have every one of these strategies think about an event."""
        rest, call_next = iter(runners), self.call_next
        while (left := call_next(rest, event)) is not None:
            self.attend(*left)

    def attend(self, instance: Instance, error: BaseException | None) -> None:
        """Do what a call of a strategy has left to be done."""
        if error is not None:
            self._fail(instance, error)
            return
        instance.failures = 0
        if wishes := instance.take_wishes():
            self._carry_out(instance, wishes)

    def stop(self, instance: Instance, reason: str) -> None:
        """Call an instance no more."""
        instance.stopped = reason
        market = self._markets.find(instance.setup.symbol)
        # New lists: the old ones may be just being gone through.
        market.tick_runners = [one for one in market.tick_runners if one[0] is not instance]
        market.bar_runners = [one for one in market.bar_runners if one[0] is not instance]

    def _load(self, instance: Instance) -> None:
        setup = instance.setup
        context = StrategyContext(
            self._desk,
            instance=setup.id,
            account=setup.account,
            symbol=setup.symbol,
            wishes=instance.wishes,
        )
        made: list[Strategy] = []
        error = self._calls.run(
            instance.number,
            lambda config: made.append(setup.type.cls(context, config)),
            setup.config,
        )
        if error is not None:
            self._fail(instance, error, is_fatal=True)
            return
        instance.context = context
        instance.strategy = strategy = made[0]
        market = self._markets.find(setup.symbol)
        if handles_ticks(setup.type.cls):
            market.tick_runners.append((instance, strategy.on_tick))
        if handles_bars(setup.type.cls):
            market.bar_runners.append((instance, strategy.on_bar))
        if wishes := context.take_wishes():
            self._carry_out(instance, wishes)

    def _fail(self, instance: Instance, error: BaseException, *, is_fatal: bool = False) -> None:
        """Drop what a failed call wished for; stop the instance when it is of no more use."""
        instance.failures += 1
        instance.take_wishes()
        if is_fatal or isinstance(error, CallInterrupted) or instance.failures >= FAILURES_MAX:
            self.stop(instance, describe_failure(error))
        self._on_failure(instance, error)
