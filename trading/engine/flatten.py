"""/flatten as one act: entries off, orders cancelled, positions closed, verified, then answered.

What is under way is kept, so that a restart goes on with it; a command that joins while one is
under way gets its outcome together with the first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from trading.engine.conditions import Conditions
from trading.engine.dealing import Dealer
from trading.engine.desks import AccountDesk
from trading.engine.flat_check import FlatCheck
from trading.engine.journal import Journal
from trading.engine.orders import open_entries
from trading.reports.numbers import counted

KEY: Final = "trading.flatten"
REASON: Final = "flatten"


@dataclass(frozen=True, slots=True)
class Flattening:
    """Hold one command that waits until its accounts are flat, and what there was to do."""

    command_id: str
    author: str
    accounts: tuple[str, ...]
    positions: int
    orders: int


class FlattenDesk:
    """Carry out flattening to its verified end."""

    def __init__(
        self,
        desks: Mapping[str, AccountDesk],
        dealer: Dealer,
        conditions: Conditions,
        journal: Journal,
        check: FlatCheck,
        saved: str | None,
    ) -> None:
        self.check = check
        self._desks = desks
        self._dealer = dealer
        self._conditions = conditions
        self._journal = journal
        rows = orjson.loads(saved) if saved else []
        self._open = [
            Flattening(row["command_id"], row["author"], tuple(row["accounts"]), *row["counts"])
            for row in rows
        ]
        self._bar_entries()

    @property
    def waiting(self) -> Sequence[Flattening]:
        """Return the commands that wait for their outcome."""
        return tuple(self._open)

    def start(self, command_id: str, author: str, accounts: Iterable[str]) -> Flattening:
        """Begin, or join what is under way."""
        chosen = tuple(accounts)
        positions = sum(len(self._desks[name].book.positions) for name in chosen)
        orders = sum(len(self._dealer.orders.open_of_account(name)) for name in chosen)
        under_way = next((one for one in self._open if one.accounts == chosen), None)
        if under_way is not None:
            # Whoever taps again hears of the same act, with its figures.
            positions, orders = under_way.positions, under_way.orders
        made = Flattening(command_id, author, chosen, positions, orders)
        self._open.append(made)
        self._keep()
        for name in chosen:
            self._dealer.hurry(self._desks[name].markets.values())
        self.press()
        return made

    def press(self) -> None:
        """Cancel and close whatever is still there; harmless when repeated."""
        for name in {name for one in self._open for name in one.accounts}:
            for order in open_entries(self._dealer.orders.open_of_account(name)):
                self._dealer.cancel(order)
            # All other orders of a position go when it is being closed.
            for position in list(self._desks[name].book.positions.values()):
                self._dealer.close(position, REASON)

    def take_done(self) -> list[Flattening]:
        """Return the commands whose accounts are flat by the book and by the venue."""
        if not self._open:
            return []
        # What a venue on paper has just said may be all that is missing.
        self._dealer.settle()
        flat = {name: self._is_flat(name) for one in self._open for name in one.accounts}
        done = [one for one in self._open if all(flat[name] for name in one.accounts)]
        if done:
            self._open = [one for one in self._open if one not in done]
            self._keep()
            for name in {name for one in done for name in one.accounts}:
                self.check.forget(name)
        return done

    def _is_flat(self, name: str) -> bool:
        desk = self._desks[name]
        if desk.book.positions or self._dealer.orders.open_of_account(name):
            self.check.forget(name)
            return False
        venue = desk.exchange
        if venue is None:
            return self.check.is_flat(desk)
        return not (venue.busy or any(venue.holdings.values()))

    def describe(self, one: Flattening) -> str:
        """Say what flattening did, and what it leaves switched off."""
        positions, orders = counted(one.positions, "position"), counted(one.orders, "order")
        done = f"flat: {positions} closed, {orders} cancelled"
        flags = self._conditions.flags
        if flags.paused:
            return f"{done}; entries are off until /resume"
        keys = [key for name in one.accounts for key in self._desks[name].markets.values()]
        if all(flags.buying_off(key) for key in keys):
            return f"{done}; entries are off until /startbuying"
        return f"{done}; entries are on again"

    def _bar_entries(self) -> None:
        # Whatever is switched on meanwhile: what would be entered now would be closed at once.
        self._conditions.flattening = {name for one in self._open for name in one.accounts}

    def _keep(self) -> None:
        self._bar_entries()
        rows = [
            {
                "command_id": one.command_id,
                "author": one.author,
                "accounts": one.accounts,
                "counts": [one.positions, one.orders],
            }
            for one in self._open
        ]
        self._journal.save(KEY, orjson.dumps(rows).decode())
