"""What is said of a bot that is lost or back: its last words, its positions, what protects them.

Everything is read from what the bot told last, so nothing in it is trusted to have a shape.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal, InvalidOperation
from textwrap import wrap
from typing import Any, Final

from daemonkit.clock import Clock
from daemonkit.printable import one_line
from telegram.bridge.obituary.watch import Absence, Notice
from telegram.bridge.render import age_text, plural, utc_text
from telegram.bridge.sessions import LIVE, PAPER, Session, Sessions

POSITIONS_SHOWN_MAX: Final = 12
# What a phone shows, less what an event's continuation is indented by.
_COLUMNS: Final = 32
_LOG_LINE_LEN_MAX: Final = 200
_STATUS_OLD_S: Final = 5.0
# A mean price has as many digits as a float: to the cent, and six digits of a small one.
_CENTS_FROM: Final = 10
_SIX_DIGITS: Final = Context(prec=6)
_RESTING: Final = {"working", "partially filled"}
_LOG_HEAD: Final = re.compile(r"\d{4}-\d\d-\d\dT([\d:]{8})[.\d]*Z (\S+) +[^:]*: ")
_TO_DO: Final = "if it does not come back by itself, look at /health and /logs and start it again"
_CRITICAL, _WARNING, _NOTICE = "critical", "warning", "notice"


class ObituaryWords:
    """Write what is said, from the sessions and the forwarded log lines."""

    def __init__(
        self, clock: Clock, sessions: Sessions, last_lines: Callable[[str], Sequence[str]]
    ) -> None:
        self._clock = clock
        self._sessions = sessions
        self._last_lines = last_lines

    def lost(self, absence: Absence) -> Notice:
        """Say that a bot is lost, what it holds, what protects that, and its last log lines."""
        session = self._sessions.get(absence.bot) or Session(absence.bot)
        fields = session.status_fields
        positions = _maps(fields.get("positions"))
        lines = [f"LOST, no word for {self._age(absence)}", *_wrapped(absence.reason)]
        if absence.losses > 1:
            lines.append(f"{absence.losses} times of late")
        lines += [*self._standing(session, absence), *_position_lines(session, positions)]
        lines += [*_log_lines(self._last_lines(absence.bot)), *_wrapped(_TO_DO)]
        is_at_risk = bool(positions or fields.get("orders_open") or fields.get("trading_on"))
        return Notice(
            absence.bot,
            "bot_lost",
            _CRITICAL if is_at_risk else _WARNING,
            "\n".join(lines),
            _fields(absence, positions),
        )

    def back(self, absence: Absence) -> Notice:
        """Give the all-clear, with what is open now."""
        session = self._sessions.get(absence.bot) or Session(absence.bot)
        positions = _maps(session.status_fields.get("positions"))
        lines = [f"BACK after {self._age(absence)}", *_wrapped(session.account_label)]
        lines += [*_switches(session.status_fields, "is"), *_short(positions)]
        text = "\n".join(lines)
        return Notice(absence.bot, "bot_back", _NOTICE, text, _fields(absence, positions))

    def stopped(self, absence: Absence) -> Notice:
        """Say that a bot has stopped, and why by its own words."""
        because = f": {absence.reason}" if absence.reason else ""
        return Notice(
            absence.bot, "bot_stopped", _NOTICE, f"has stopped{because}", _fields(absence, ())
        )

    def breaking(self, absence: Absence, breaks: int) -> Notice:
        """Say that a bot's connection breaks again and again."""
        text = f"its connection breaks again and again: {breaks} times of late"
        because = f"; last: {absence.reason}" if absence.reason else ""
        fields = {**_fields(absence, ()), "breaks": breaks}
        return Notice(absence.bot, "bot_breaking", _WARNING, text + because, fields)

    def _age(self, absence: Absence) -> str:
        return age_text(self._clock.wall() - absence.since)

    def _standing(self, session: Session, absence: Absence) -> list[str]:
        """Return what it was doing, and how old that knowledge is."""
        lines = _wrapped(session.account_label)
        if session.status_at is None:
            return [*lines, "it has told no status"]
        older_s = absence.since - session.status_at
        lines.append(f"as of {utc_text(session.status_at)}")
        if older_s >= _STATUS_OLD_S:
            lines.append(f" {age_text(older_s)} before the loss")
        return lines + _switches(session.status_fields, "was")


def _switches(fields: Mapping[str, Any], verb: str) -> list[str]:
    lines = []
    if isinstance(is_on := fields.get("trading_on"), bool):
        lines.append(f"trading {verb} {'on' if is_on else 'off'}")
    orders = fields.get("orders_open")
    if isinstance(orders, int) and orders:
        lines.append(plural(orders, "open order"))
    return lines


def _position_lines(session: Session, positions: Sequence[Mapping[str, Any]]) -> list[str]:
    if "positions" not in session.status_fields:
        return ["it has not told its positions"]
    if not positions:
        return ["no open position"]
    lines = [f"{plural(len(positions), 'open position')}:"]
    for one in positions[:POSITIONS_SHOWN_MAX]:
        lines += _position_block(session, one)
    if len(positions) > POSITIONS_SHOWN_MAX:
        lines.append(f"… {len(positions) - POSITIONS_SHOWN_MAX} more")
    return lines


def _position_block(session: Session, position: Mapping[str, Any]) -> list[str]:
    account = _text(position.get("account")) or "main"
    has_several = len(session.accounts) > 1
    name = _text(position.get("symbol")) + (f" {account}" if has_several else "")
    held = f"{_text(position.get('side')).upper()} {_number(position.get('quantity'))}"
    lines = [*_wrapped(f"{name} {held}"), *_wrapped(f"entry {_price(position, 'entry')}", 1)]
    levels = [f"{level} {_price(position, level)}" for level in ("stop", "target", "trail")]
    lines += _wrapped(", ".join(one for one in levels if not one.endswith(" -")), 1)
    return lines + _wrapped(_protection(session, account, position), 1)


def _protection(session: Session, account: str, position: Mapping[str, Any]) -> str:
    """Return what guards a position while its bot is away."""
    if position.get("stop_price") is None:
        return "⚠ NO STOP: nothing protects it"
    mode = dict(session.accounts).get(account, "")
    if mode == PAPER:
        return "PAPER: its stop acts when the bot is back"
    if mode != LIVE:
        return "⚠ unknown whether its stop rests at the exchange"
    trails = "; trailing stands still" if position.get("trail_price") is not None else ""
    place = _exchange_of(session, account)
    stops = [
        one
        for one in _maps(session.status_fields.get("orders"))
        if one.get("purpose") == "protection"
        and (_text(one.get("account")) or "main") == account
        and one.get("symbol") == position.get("symbol")
    ]
    if any(one.get("state") in _RESTING and not one.get("cancelling") for one in stops):
        return f"LIVE: its stop rests at {place} and acts without the bot{trails}"
    if any(one.get("cancelling") for one in stops):
        return f"⚠ LIVE: its stop at {place} was being replaced; look there yourself"
    if stops:
        return f"⚠ LIVE: its stop was sent to {place}, not confirmed"
    return f"⚠ LIVE: no stop rests at {place}; look there yourself"


def _exchange_of(session: Session, account: str) -> str:
    for one in _maps(session.status_fields.get("accounts")):
        if one.get("account") == account and one.get("exchange"):
            return _text(one["exchange"])
    return _text(session.status_fields.get("exchange")) or "the exchange"


def _short(positions: Sequence[Mapping[str, Any]]) -> list[str]:
    if not positions:
        return ["no open position"]
    names = [_text(one.get("symbol")) for one in positions[:POSITIONS_SHOWN_MAX]]
    more = " …" if len(positions) > POSITIONS_SHOWN_MAX else ""
    return _wrapped(f"{plural(len(positions), 'open position')}: {', '.join(names)}{more}")


def _log_lines(lines: Sequence[str]) -> list[str]:
    if not lines:
        return ["it has forwarded no log line"]
    return ["last log lines:", *(_log_line(line) for line in lines)]


def _log_line(line: str) -> str:
    """Return a line without its day and its logger, which a phone has no room for."""
    return one_line(_LOG_HEAD.sub(r"\1Z \2 ", line), _LOG_LINE_LEN_MAX)


def _fields(absence: Absence, positions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "since": absence.since,
        "reason": absence.reason,
        "losses": absence.losses,
        "positions": len(positions),
    }


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return one_line(value, 40) if isinstance(value, str) else ""


def _price(position: Mapping[str, Any], level: str) -> str:
    text = _number(position.get(f"{level}_price"))
    if text == "-":
        return text
    price = Decimal(text.replace(",", ""))
    return f"{price:,.2f}" if abs(price) >= _CENTS_FROM else f"{_SIX_DIGITS.plus(price):f}"


def _number(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "-"
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return "-"
    return f"{number:,f}" if number.is_finite() and abs(number.adjusted()) < 20 else "-"


def _wrapped(text: str, indent: int = 0) -> list[str]:
    margin = " " * indent
    return wrap(text, _COLUMNS, initial_indent=margin, subsequent_indent=margin + " ")[:4]
