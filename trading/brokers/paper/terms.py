"""What trading costs on paper: fees, slippage, latency, and how much of the volume one gets."""

from dataclasses import dataclass
from decimal import Decimal

_ZERO = Decimal(0)
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class PaperTerms:
    """Hold the terms of a simulated venue; fees and slippage are fractions of the price.

    `slippage` is paid by whoever takes, `latency_s` is market time from the sending of an order
    to its arrival, and at most `volume_share` of what is traded is filled (None: everything).
    A negative maker fee is a rebate.
    """

    fee_taker: Decimal = Decimal("0.001")
    fee_maker: Decimal = Decimal("0.001")
    slippage: Decimal = Decimal("0.0005")
    latency_s: float = 0.0
    volume_share: Decimal | None = None

    def __post_init__(self) -> None:
        for name in ("fee_taker", "slippage"):
            if not _ZERO <= getattr(self, name) < _ONE:
                raise ValueError(f"{name}: found {getattr(self, name)}, allowed 0 to less than 1")
        if not -_ONE < self.fee_maker < _ONE:
            raise ValueError(
                f"fee_maker: found {self.fee_maker}, allowed more than -1, less than 1"
            )
        if not 0.0 <= self.latency_s < float("inf"):
            raise ValueError(f"latency_s: found {self.latency_s}, allowed 0 or more")
        if self.volume_share is not None and not _ZERO < self.volume_share <= _ONE:
            raise ValueError(
                f"volume_share: found {self.volume_share}, allowed more than 0, up to 1"
            )

    @property
    def fee_max(self) -> Decimal:
        """Return the fee that a reserve must cover, whoever takes."""
        return max(self.fee_taker, self.fee_maker, _ZERO)
