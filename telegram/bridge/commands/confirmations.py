"""Whether a command is asked about before it is sent, and what the question says.

A decision from the command and from what the bots told last, and nothing else. What a bot tells
may be anything: what is not understood is left out. The engine refuses unconfirmed lifts anyway.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from daemonkit.printable import one_line
from tcpproto.vocabulary import ALL, VOCABULARY, Confirm, ParsedCommand, needs_confirmation
from telegram.bridge.sessions import LIVE, PAPER

# A person's word is enough to lift it; see docs/commands.md.
_LIFTED_UNASKED: Final = frozenset({"losing streak"})
# A price that moved by more than this part since the question makes it another question.
PRICE_MOVE_MAX: Final = 0.005
# What is beyond is no price, and may be more than a float can hold.
_PRICE_MAX: Final = 1e15
_LINES_MAX: Final = 8
_LINE_LEN_MAX: Final = 160


@dataclass(frozen=True, slots=True)
class Target:
    """Hold what is known of a bot that a command would go to.

    `label` names bot, account and LIVE or PAPER; `age` says how old the fields are, if they are.
    """

    label: str
    fields: Mapping[str, Any]
    account: str = ""
    age: str = ""


def question_about(
    command: ParsedCommand, targets: Sequence[Target], news: Sequence[str] = ()
) -> str:
    """Return the question to ask before a command is sent, or nothing when none is needed.

    `news` is what has changed since it was asked before.
    """
    told = [_reasons(command, target) for target in targets]
    if not any(told) and not news and not needs_confirmation(command.verb, command.args):
        return ""
    labels = "; ".join(target.label for target in targets)
    details = [
        *news,
        *(
            line if len(targets) == 1 else f"{target.label}: {line}"
            for target, reasons in zip(targets, told, strict=True)
            for line in (*reasons, *_details(command, target))
        ),
    ]
    shown = [f"  {one_line(line, _LINE_LEN_MAX)}" for line in details[:_LINES_MAX]]
    if len(details) > len(shown):
        shown.append(f"  … {len(details) - len(shown)} more")
    line = ParsedCommand(command.verb, command.args).line
    return "\n".join((f"{line} on {labels} — are you sure?", *shown))


def yes_to(command: ParsedCommand, targets: Sequence[Target]) -> str:
    """Return what stands on the button that confirms: what it does, and whether it is LIVE."""
    words = " ".join((command.verb, *command.args))
    modes = {word.rstrip(",") for target in targets for word in target.label.split()}
    named = " and ".join(mode for mode in (LIVE, PAPER) if mode in modes)
    return f"Yes: {words} — {named}" if named else f"Yes: {words}"


def news_since(
    command: ParsedCommand, before: Sequence[Target], now: Sequence[Target]
) -> list[str]:
    """Return what has changed since the question, so much that the yes was to something else."""
    news: list[str] = []
    for was, target in zip(before, now, strict=True):
        if was.label != target.label:
            news.append(f"it is {target.label} now")
        if command.verb == "buy" or _sells_short(command, target):
            news += _moves(command, was.fields, target.fields)
        known = set(_warnings(command, was))
        news += [f"new: {each}" for each in _warnings(command, target) if each not in known]
    return news


def _moves(
    command: ParsedCommand, before: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[str]:
    prices = _prices(now)
    for symbol, old in _prices(before).items():
        new = prices.get(symbol, old)
        if command.args[0] in (symbol, ALL) and abs(new - old) > PRICE_MOVE_MAX * old:
            old_text, new_text = _price_text(old), _price_text(new)
            yield f"the price of {symbol} moved from {old_text} to {new_text}"


def _warnings(command: ParsedCommand, target: Target) -> list[str]:
    if command.verb == "reconcile":
        return list(_about_difference(command, target))
    overrides = _overrides(command, target) if command.verb == "buy" else ()
    return [*_reasons(command, target), *overrides]


def _reasons(command: ParsedCommand, target: Target) -> list[str]:
    """Return what a command would do that nobody should do without noticing."""
    match VOCABULARY[command.verb].confirm:
        case Confirm.IF_LATCHED:
            why = _text(target.fields.get("kill"))
            return [f"resets the latch: {why}"] if why else []
        case Confirm.IF_TRIPPED:
            # What bars a whole account is lifted for all of its markets or not at all.
            wanted = ("", None) if command.args == (ALL,) else ()
            return [
                f"lifts: {_limit_text(limit)}"
                for limit in _tripped(command, target)
                if _text(limit.get("limit")) not in _LIFTED_UNASKED
                and (limit.get("symbol") or limit.get("symbol") in wanted)
            ]
    return ["nothing is held: sells short"] if _sells_short(command, target) else []


def _sells_short(command: ParsedCommand, target: Target) -> bool:
    """Tell whether a sale with an amount would open a position, as far as the bot has told."""
    held = target.fields.get("positions")
    if command.verb != "sell" or len(command.args) < 2 or not isinstance(held, list):
        return False
    accounts = _mappings(target.fields.get("accounts"))
    can_short = [one.get("can_short") for one in accounts if _is_of_account(one, target)]
    is_held = any(_concerns(row, command, target) for row in _mappings(held))
    return not is_held and any(can_short)


def _details(command: ParsedCommand, target: Target) -> Iterator[str]:
    match command.verb:
        case "buy":
            yield from _about_buying(command, target)
        case "sell" if ALL in command.args:
            yield f"sells all of {_count(target, 'positions', 'position')}"
        case "flatten":
            positions = _count(target, "positions", "position")
            orders = _count(target, "orders", "order")
            yield f"closes {positions}, cancels {orders}, stops entries"
        case "reconcile":
            yield from _about_difference(command, target)
        case "startbuying" if ALL in command.args:
            yield "lets strategies buy in every market again"
    if target.age:
        yield f"as the bot told {target.age} ago"


def _about_difference(command: ParsedCommand, target: Target) -> Iterator[str]:
    """Yield what differs and what the answer would do, as the bot tells it."""
    rows = _mappings(target.fields.get("differences"))
    named = [one for one in rows if str(one.get("number")) == command.args[0]]
    for row in named:
        effects = row.get("effects")
        effect = effects.get(command.args[-1]) if isinstance(effects, Mapping) else None
        yield from filter(None, (_text(row.get("text")), _text(effect)))
    if not named and "differences" in target.fields:
        yield f"no difference {command.args[0]} is open"


def _about_buying(command: ParsedCommand, target: Target) -> Iterator[str]:
    price = _prices(target.fields).get(command.args[0])
    if price is not None:
        yield f"price {_price_text(price)}{_cost_text(command, price)}"
    yield from _overrides(command, target)


def _cost_text(command: ParsedCommand, price: float) -> str:
    """Return what an amount would cost at a price, where the market says in which currency."""
    _base, slash, quote = command.args[0].partition("/")
    if len(command.args) < 2 or not slash:
        return ""
    cost = float(command.args[1]) * price
    return f", about {cost:,.2f} {quote.partition(':')[0]}" if 0.01 <= cost < _PRICE_MAX else ""


def _overrides(command: ParsedCommand, target: Target) -> Iterator[str]:
    """Yield what a purchase goes past, and what it will not get past."""
    fields = target.fields
    if fields.get("trading_on") is False or _text(fields.get("trading")).upper() == "OFF":
        yield "overrides: trading is OFF"
    if fields.get("paused"):
        yield "overrides: entries are paused"
    for market, why in _buying_off(command, target):
        yield f"overrides: buying {market} is off" + (f": {why}" if why else "")
    # No purchase goes past these; better known before than after.
    if kill := _text(fields.get("kill")):
        yield f"will be refused: {kill}"
    for limit in _tripped(command, target):
        yield f"will be refused: {_limit_text(limit)}"


def _prices(fields: Mapping[str, Any]) -> dict[str, float]:
    return {
        symbol: float(price)
        for one in _mappings(fields.get("prices"))
        if isinstance(symbol := one.get("symbol"), str)
        and isinstance(price := one.get("price"), int | float)
        and 0 < price < _PRICE_MAX
    }


def _price_text(price: float) -> str:
    if price >= 10:
        return f"{price:,.2f}"
    return f"{Decimal(f'{price:.6g}'):f}"


def _buying_off(command: ParsedCommand, target: Target) -> Iterator[tuple[str, str]]:
    """Read both forms of flags: a row for each market, and rows of what is off alone."""
    flags = target.fields.get("flags")
    if isinstance(flags, Mapping):
        rows: list[Mapping[str, Any]] = []
        listed = flags.get("buying_off")
        for row in listed if isinstance(listed, list) else ():
            if isinstance(row, list) and len(row) == 3:
                names = ("account", "symbol", "buying_reason")
                rows.append(dict(zip(names, row, strict=True)))
            elif isinstance(row, Mapping):
                rows.append(row)
    else:
        rows = _mappings(flags)
    for row in rows:
        if _concerns(row, command, target) and not row.get("buying", False):
            yield _text(row.get("symbol")), _text(row.get("buying_reason") or row.get("reason"))


def _tripped(command: ParsedCommand, target: Target) -> list[Mapping[str, Any]]:
    rows = _mappings(target.fields.get("tripped"))
    return [row for row in rows if _concerns(row, command, target)]


def _limit_text(limit: Mapping[str, Any]) -> str:
    return _text(limit.get("text")) or _text(limit.get("limit")) or "a limit that has tripped"


def _concerns(row: Mapping[str, Any], command: ParsedCommand, target: Target) -> bool:
    """Tell whether a row is of the account and market that a command names, or of all."""
    symbol = row.get("symbol")
    wanted = command.args[0] if command.args else ALL
    return _is_of_account(row, target) and (wanted == ALL or symbol in (wanted, None, ""))


def _is_of_account(row: Mapping[str, Any], target: Target) -> bool:
    account = row.get("account") or row.get("name")
    return not target.account or account in (target.account, None)


def _count(target: Target, key: str, noun: str) -> str:
    """Count the rows of an account; of all accounts there may be more than are told."""
    listed, total = target.fields.get(key), target.fields.get(f"{key}_open")
    if isinstance(total, int) and not target.account:
        count = total
    elif isinstance(listed, list):
        count = sum(1 for row in _mappings(listed) if _is_of_account(row, target))
    elif isinstance(listed, int) and not isinstance(listed, bool):
        count = listed
    else:
        return f"every {noun}"
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return one_line(value, _LINE_LEN_MAX) if isinstance(value, str) else ""
