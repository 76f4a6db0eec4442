"""What is done with one thing that came in from the messenger: a decision, and nothing else.

The rules stand in a table, and the first that fits decides. What none of them fits is taken.
Whoever is not listed hears nothing at all; whoever is, hears why something was not done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from daemonkit.printable import one_line
from tcpproto.vocabulary import (
    MAX_AGE_S,
    VOCABULARY,
    CommandError,
    ParsedCommand,
    Place,
    Risk,
    parse_line,
    risk_of,
)
from telegram.bridge.chat import Author
from telegram.bridge.commands.outbound_texts import NOT_SENT, late_text
from telegram.bridge.hearing.access import TelegramAccess
from telegram.bridge.messenger import Inbound
from telegram.bridge.receipts import State
from telegram.bridge.render import receipt

CONFLICT_TEXT: Final = (
    "another program uses this bot's token, so what raises risk is off until it has stopped"
)
_LINE_LENGTH_MAX: Final = 80


class Verdict(StrEnum):
    """Name what is done."""

    TAKE = "take"
    REFUSE = "refuse"
    IGNORE = "ignore"
    STRANGER = "stranger"
    LEAVE = "leave"
    MOVED = "moved"
    TIDY = "tidy"


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Hold how far the messenger's time may be from ours."""

    future_max_s: float = 30.0
    answer_max_age_s: float = 30.0


@dataclass(frozen=True, slots=True)
class GateScene:
    """Hold what a decision depends on beside the message.

    `is_asked` says whether a question to this person is open in this chat, `may_raise` whether
    this text as its answer could do what raises risk; `is_shared` whether another program was
    seen to use the bot's token.
    """

    access: TelegramAccess
    now: float
    bot_name: str = ""
    is_asked: bool = False
    may_raise: bool = False
    is_shared: bool = False
    limits: GateLimits = field(default_factory=GateLimits)


@dataclass(frozen=True, slots=True)
class Decision:
    """Hold the verdict, and what is said with it to a person who is listed."""

    verdict: Verdict
    text: str = ""
    is_clock_wrong: bool = False


def decide(inbound: Inbound, scene: GateScene) -> Decision:
    """Decide by the first rule that fits."""
    for rule in RULES:
        decision = rule(inbound, scene)
        if decision is not None:
            return decision
    return Decision(Verdict.TAKE)


def author_of(inbound: Inbound, access: TelegramAccess) -> Author:
    """Return who speaks; only for what the rules let in."""
    role = access.role_of(inbound.user_id)
    assert role is not None, "a stranger was let in"
    return Author(f"tg:{inbound.user_id}", role)


def risk_of_line(text: str) -> Risk:
    """Return the risk of a line; one that is not understood does nothing but say so."""
    command = _parse(text)
    return Risk.READING if command is None else risk_of(command.verb, command.args)


def is_reading(text: str) -> bool:
    """Tell whether a line changes nothing."""
    return risk_of_line(text) is Risk.READING


def is_command(inbound: Inbound) -> bool:
    """Tell whether a message is a command."""
    return inbound.press_data is None and inbound.text.lstrip().startswith("/")


def _moved(inbound: Inbound, scene: GateScene) -> Decision | None:
    if inbound.migrated_to is None:
        return None
    known = scene.access.knows_group(inbound.place.chat_id)
    return Decision(Verdict.MOVED if known else Verdict.IGNORE)


def _unknown_place(inbound: Inbound, scene: GateScene) -> Decision | None:
    place = inbound.place
    if place.is_group and not scene.access.knows_group(place.chat_id):
        return Decision(Verdict.LEAVE)
    return None


def _own_pin(inbound: Inbound, scene: GateScene) -> Decision | None:
    # What is pinned can be seen; the line that says so only pushes the chat up.
    if not inbound.is_own_pin:
        return None
    # In a group that is listed, whatever the topic: in some the line stands outside of it.
    is_ours = inbound.place.is_group or scene.access.hears(inbound.place)
    return Decision(Verdict.TIDY if is_ours else Verdict.IGNORE)


def _unknown_person(inbound: Inbound, scene: GateScene) -> Decision | None:
    is_listed = scene.access.role_of(inbound.user_id) is not None
    return None if is_listed else Decision(Verdict.STRANGER)


def _disguised(inbound: Inbound, _scene: GateScene) -> Decision | None:
    if not inbound.is_anonymous:
        return None
    text = "send it as yourself: whoever writes for a group or a channel cannot be told apart"
    return _refuse_command(inbound, text)


def _unlisted_topic(inbound: Inbound, scene: GateScene) -> Decision | None:
    return None if scene.access.hears(inbound.place) else Decision(Verdict.IGNORE)


def _changed_later(inbound: Inbound, _scene: GateScene) -> Decision | None:
    if not inbound.is_edited:
        return None
    return _refuse_command(inbound, "changing a message does nothing; send a new one")


def _of_another(inbound: Inbound, _scene: GateScene) -> Decision | None:
    if not inbound.is_forwarded:
        return None
    return _refuse_command(inbound, "forwarded messages are not followed; write it yourself")


def _for_nobody(inbound: Inbound, scene: GateScene) -> Decision | None:
    """Pass over what is not for the bot: pictures, the talk of a group, another bot's commands."""
    if inbound.press_data is not None:
        return None
    if is_command(inbound):
        words = inbound.text.split(maxsplit=1)
        _, at, addressee = words[0].partition("@")
        is_other = at and scene.bot_name and addressee.lower() != scene.bot_name.lower()
        if is_other and not inbound.place.is_group:
            # Whoever copies it from a group, or had a bot of another name, would hear nothing.
            return _refuse_command(inbound, f"that is for another bot; this is @{scene.bot_name}")
        return Decision(Verdict.IGNORE) if is_other else None
    # A bot that may read all of a group hears a "yes" that is meant for somebody else, too.
    is_talk = inbound.place.is_group and not (scene.is_asked and inbound.is_reply)
    return Decision(Verdict.IGNORE) if is_talk or not inbound.text.strip() else None


def _from_the_future(inbound: Inbound, scene: GateScene) -> Decision | None:
    ahead_s = inbound.written_at - scene.now
    if ahead_s <= scene.limits.future_max_s:
        return None
    if is_command(inbound) and risk_of_line(inbound.text) is Risk.REDUCING:
        # A clock that goes wrong keeps nobody from reducing risk.
        return None
    text = f"written {int(ahead_s)} s in the future: check the clock of the bridge's machine"
    return Decision(Verdict.REFUSE, _receipt(State.REJECTED, inbound, text), is_clock_wrong=True)


def _stale(inbound: Inbound, scene: GateScene) -> Decision | None:
    """Refuse what was held up on its way; a press has no time of its own, its question has.

    What reduces risk is let in: its author is asked whether it is still wanted.
    """
    if inbound.press_data is not None:
        return None
    age_s, allowed_s = scene.now - inbound.written_at, scene.limits.answer_max_age_s
    if is_command(inbound):
        risk = risk_of_line(inbound.text)
        if risk is Risk.REDUCING:
            return None
        allowed_s = MAX_AGE_S[risk]
    if age_s <= allowed_s:
        return None
    text = _receipt(State.EXPIRED, inbound, late_text(age_s, allowed_s))
    return Decision(Verdict.REFUSE, text)


def _while_shared(inbound: Inbound, scene: GateScene) -> Decision | None:
    # What reduces risk works in every state.
    if not scene.is_shared or inbound.press_data is not None:
        return None
    is_raising = scene.may_raise
    if is_command(inbound):
        is_raising = risk_of_line(inbound.text) is Risk.RAISING
    if not is_raising:
        return None
    return Decision(Verdict.REFUSE, _receipt(State.REJECTED, inbound, CONFLICT_TEXT))


RULES: Final[Sequence[Callable[[Inbound, GateScene], Decision | None]]] = (
    _moved,
    _unknown_place,
    _own_pin,
    _unknown_person,
    _disguised,
    _unlisted_topic,
    _changed_later,
    _of_another,
    _for_nobody,
    _from_the_future,
    _stale,
    _while_shared,
)


def _refuse_command(inbound: Inbound, text: str) -> Decision:
    """Refuse a command in words, and pass over anything else."""
    if not is_command(inbound):
        return Decision(Verdict.IGNORE)
    return Decision(Verdict.REFUSE, _receipt(State.REJECTED, inbound, text))


def _receipt(state: State, inbound: Inbound, text: str) -> str:
    return receipt(state, one_line(inbound.text, _LINE_LENGTH_MAX), f"{text}; {NOT_SENT}")


def is_for_bots(text: str) -> bool:
    """Tell whether a line is a command that a bot carries out."""
    command = _parse(text)
    return command is not None and VOCABULARY[command.verb].place is Place.ENGINE


def _parse(text: str) -> ParsedCommand | None:
    try:
        return parse_line(text.strip())
    except CommandError:
        return None
