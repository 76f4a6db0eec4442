"""The durable events about fees: what they say and how much they matter."""

from trading.model.account import Account
from trading.model.event import DurableEvent, Severity
from trading.model.order import Fill
from trading.reports.alert_lines import make_alert, reason_lines, row, where_fields, where_line
from trading.reports.numbers import exact_text, quantity_text


def fee_of_unknown_worth(account: Account, fill: Fill) -> DurableEvent:
    """Say that a fee was taken in a coin without a known price: profits lack it."""
    fee = f"{quantity_text(fill.fee)} {fill.fee_currency}"
    lines = [
        f"{fill.symbol}: a fee without a price",
        where_line(account.name, account.is_paper),
        *row("fee", fee),
        *row("order", fill.order_id),
        *reason_lines("it counts as nothing in profits until its price is known"),
    ]
    fields = {
        **where_fields(account.name, account.is_paper),
        "symbol": fill.symbol,
        "id": fill.order_id,
        "fee": exact_text(fill.fee),
        "currency": fill.fee_currency,
    }
    key = f"fee_of_unknown_worth:{account.name}:{fill.fee_currency}"
    return make_alert("fee_of_unknown_worth", Severity.WARNING, lines, fill.at, fields, key)
