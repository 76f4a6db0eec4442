"""Money that comes or goes although nothing was traded: booked, and no profit or loss of ours.

A deposit moves the figures from which losses count along with the cash: it heals no loss, and a
withdrawal is none. What is earned or paid beside trades, such as funding, moves the cash alone.
"""

from decimal import Decimal

from trading.engine.conditions import Conditions
from trading.engine.desks import CAPITAL_KEY, AccountDesk
from trading.engine.journal import Journal


class Transfers:
    """Book money into accounts and out of them."""

    def __init__(self, conditions: Conditions, journal: Journal) -> None:
        self._conditions = conditions
        self._journal = journal

    def book(self, desk: AccountDesk, amount: Decimal) -> None:
        """Book a deposit, or a withdrawal below zero."""
        self.book_earned(desk, amount)
        self.shift_bases(desk, float(amount))
        capital = desk.start_cash + amount
        # Who takes out more than was put in still has what was earned to be measured against.
        self.set_capital(desk, capital if capital > 0 else desk.book.cash)

    def set_capital(self, desk: AccountDesk, capital: Decimal) -> None:
        """Measure an account against this much money; without any it stays what it was."""
        if capital > 0:
            desk.set_capital(capital)
            self._journal.save(CAPITAL_KEY + desk.name, capital)

    def book_earned(self, desk: AccountDesk, amount: Decimal) -> None:
        """Book what was earned or paid beside trades."""
        self._journal.save(desk.cash_key, desk.book.add_cash(amount))

    def shift_bases(self, desk: AccountDesk, amount: float) -> None:
        """Have losses count from figures that are so much higher, as the equity is."""
        self._conditions.limits.shift(desk.name, amount)
        self._conditions.keep_limits()
