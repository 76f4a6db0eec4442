"""The proof that risk let an order through: nothing else is ever handed to a broker."""

from typing import Final

from trading.model.order import Order

# Only the risk gate calls `approve`; a test of the architecture sees to it.
_SEAL: Final = object()


class ApprovedOrder:
    """Hold an order that passed the risk gate."""

    __slots__ = ("order",)

    def __init__(self, order: Order, *, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only the risk gate approves orders")
        self.order = order


def approve(order: Order) -> ApprovedOrder:
    """Approve an order; for the risk gate alone."""
    return ApprovedOrder(order, seal=_SEAL)
