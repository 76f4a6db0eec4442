"""When all of an account is looked at, and what is told of it: at start, after gaps, on wish."""

import logging
from collections.abc import Callable
from typing import Final, TypeVar

from daemonkit.clock import Clock
from trading.brokers.live.account_look import AccountLook
from trading.brokers.live.moment import Moment
from trading.brokers.live.order_shelf import OrderShelf
from trading.brokers.live.reads import AccountReads, Read
from trading.brokers.live.settings import Haste, LiveSettings, RequestKind
from trading.brokers.venue import Abilities
from trading.model.venue_news import AccountSeen

log = logging.getLogger(__name__)

REST_FIRST_S: Final = 0.1
Answer = TypeVar("Answer")


class Looking:
    """Keep looking at one account."""

    def __init__(
        self,
        account: str,
        shelf: OrderShelf,
        reads: AccountReads,
        *,
        settings: LiveSettings,
        clock: Clock,
        actions: Callable[[], int],
        told: Callable[[], int],
        seen: Callable[[AccountSeen], None],
    ) -> None:
        self._account = account
        self._shelf = shelf
        self._reads = reads
        self._settings = settings
        self._clock = clock
        self._actions = actions
        self._told = told
        self._seen = seen
        self._abilities = Abilities(stops=False, brackets=False, positions=False, cash_moves=False)
        self._look: AccountLook | None = None
        self._wanted: list[int] = []
        self._is_wanted = True
        self.due_at = clock.monotonic()

    def begin(self, abilities: Abilities) -> None:
        """Look at an account whose venue is known by now."""
        self._abilities = abilities
        self.due_at = self._clock.monotonic()

    def want(self, number: int | None = None) -> None:
        """Have a look begun now; a number is answered by one that begins after this."""
        if number is not None:
            self._wanted.append(number)
        self._is_wanted = True
        self.due_at = min(self.due_at, self._clock.monotonic())

    @property
    def haste(self) -> Haste:
        """Return whether somebody waits for the look, or it is one of every few minutes."""
        return Haste.WANTED if self._is_wanted else Haste.ROUTINE

    @property
    def next_kind(self) -> RequestKind:
        """Return what the next read is about."""
        return self._current().next_kind

    def next_read(self) -> Read:
        """Return the next read of the look that is on, or the first of a new one."""
        look = self._current()
        read = self._read_of(look)

        def begin(moment: Moment) -> None:
            self._look = look
            if look.is_at_start:
                numbers, self._wanted = self._wanted, []
                look.begin_round(moment, numbers, actions=self._actions(), told=self._told())

        return Read(read.kind, read.ask, begin=begin)

    def _current(self) -> AccountLook:
        look = self._look or AccountLook(self._abilities)
        look.drop_round_if_moved(self._actions())
        return look

    def _read_of(self, look: AccountLook) -> Read:
        match look.next_kind:
            case RequestKind.OPEN_ORDERS:
                return self._reads.open_orders(self._then(look, look.take_orders))
            case RequestKind.FILLS:
                take = self._then(look, look.take_fills)
                # Not only what this read brings: others may be asked in between.
                return self._reads.fills(lambda _new: take(self._told()))
            case RequestKind.HOLDINGS:
                return self._reads.holdings(self._then(look, look.take_holdings))
            case RequestKind.POSITIONS:
                return self._reads.positions(self._then(look, look.take_positions))
            case _:
                return self._reads.cash_moves(self._then(look, look.take_cash_moves))

    def _then(self, look: AccountLook, take: Callable[[Answer], None]) -> Callable[[Answer], None]:
        """Return what takes in an answer, and judges the round that it completes."""

        def take_and_judge(answer: Answer) -> None:
            take(answer)
            if look.is_round_over:
                self._judge(look)

        return take_and_judge

    def _judge(self, look: AccountLook) -> None:
        """Tell what was seen if it shows one moment, or have another round."""
        now = self._clock.monotonic()
        fault = look.why_not(self._shelf, self._actions())
        if fault:
            self.due_at = now + self._rest_s(look, fault)
            return
        for number in look.numbers or [0]:
            self._seen(look.seen(self._account, number, self._shelf))
        self._look, self._is_wanted = None, bool(self._wanted)
        self.due_at = now if self._wanted else now + self._settings.reconcile_s

    def _rest_s(self, look: AccountLook, fault: str) -> float:
        """Return the wait before the next round: it grows, and is said once it is long."""
        settings = self._settings
        if look.rounds == settings.look_tries:
            log.warning("account does not come to rest account=%s: %s", self._account, fault)
        longest_s = settings.look_rest_s
        if look.rounds > settings.look_tries:
            longest_s = min(settings.reconcile_s, longest_s * (look.rounds - settings.look_tries))
        return min(longest_s, REST_FIRST_S * 2.0 ** min(look.rounds - 1, 32))
