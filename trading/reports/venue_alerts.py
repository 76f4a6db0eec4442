"""The durable events about a live account's venue: what they say and how much they matter."""

from trading.model.account import Account
from trading.model.event import DurableEvent, Severity
from trading.reports.alert_lines import make_alert, reason_lines, where_fields, where_line


def venue_trouble(account: Account, reason: str, at: float) -> DurableEvent:
    """Say why an account takes no new risk, or that it does again."""
    fields = {
        **where_fields(account.name, account.is_paper),
        "exchange": account.exchange,
        "reason": reason,
    }
    head = [f"⚠ {account.exchange}: no new risk" if reason else f"{account.exchange}: all well"]
    head.append(where_line(account.name, account.is_paper))
    if not reason:
        return make_alert("venue_recovered", Severity.NOTICE, head, at, fields)
    lines = [*head, *reason_lines(reason), *reason_lines("what is held can still be left")]
    key = f"venue_trouble:{account.name}"
    return make_alert("venue_trouble", Severity.WARNING, lines, at, fields, key)
