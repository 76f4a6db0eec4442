"""The money of the fake exchange: every change is a booking, and balances are their sums."""

from collections import defaultdict
from decimal import Decimal

from tests.fakes.exchange.terms import ZERO, Booking, BookingKind


class Ledger:
    """Book, and never anything else: a balance changes in no other way."""

    def __init__(self) -> None:
        self.bookings: list[Booking] = []
        self._totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def book(
        self,
        account: str,
        currency: str,
        amount: Decimal,
        kind: BookingKind,
        at: float,
        trade_id: str = "",
        symbol: str = "",
    ) -> Booking:
        key = (account, currency)
        self._totals[key] += amount
        number = len(self.bookings) + 1
        booking = Booking(
            _booking_id(number),
            number,
            account,
            currency,
            amount,
            kind,
            at,
            trade_id,
            symbol,
            self._totals[key],
        )
        self.bookings.append(booking)
        return booking

    def total(self, account: str, currency: str) -> Decimal:
        return self._totals.get((account, currency), ZERO)

    def totals(self, account: str) -> dict[str, Decimal]:
        return {
            currency: total for (name, currency), total in self._totals.items() if name == account
        }

    def of(self, account: str) -> list[Booking]:
        return [booking for booking in self.bookings if booking.account == account]

    def check(self) -> None:
        """Assert that every balance is the sum of its bookings."""
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for booking in self.bookings:
            key = (booking.account, booking.currency)
            sums[key] += booking.amount
            assert booking.total == sums[key], f"{booking} does not follow from those before it"
        for key, total in self._totals.items():
            assert total == sums[key], f"{key}: the balance is {total}, the bookings {sums[key]}"


def _booking_id(number: int) -> str:
    return f"L{number:05d}-FAKEB-{number:06d}"
