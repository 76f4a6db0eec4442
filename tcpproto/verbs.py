"""What a row of the command vocabulary says: place, risk, role, age, arguments.

The rows themselves are in `vocabulary`. No IO and no clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from tcpproto.arguments import Argument


class Risk(StrEnum):
    """Class a command by its effect on exposure.

    The engine may class a single command higher from the state it finds (a sell while flat
    on a bot that can short raises risk), never lower.
    """

    READING = "reading"
    RAISING = "raising"
    REDUCING = "reducing"
    SETTING = "setting"


class Role(StrEnum):
    """Name what a person may do; each role may do all that the one before it may."""

    VIEWER = "viewer"
    TRADER = "trader"
    ADMIN = "admin"


_RANKS = {Role.VIEWER: 0, Role.TRADER: 1, Role.ADMIN: 2}


def role_allows(have: str, need: Role) -> bool:
    """Tell whether a role, as a peer names it, may do what another may; unknown ones may not."""
    return have in _RANKS and _RANKS[Role(have)] >= _RANKS[need]


class Place(StrEnum):
    """Name who answers a command: the bridge itself or the engine of one bot."""

    BRIDGE = "bridge"
    ENGINE = "engine"


class Confirm(StrEnum):
    """Name when a command is confirmed once before it is sent.

    The last two depend on what the bot says of itself: whether a limit that the command would
    lift has tripped, and whether anything is latched.
    """

    NEVER = "never"
    FOR_ALL = "for ALL"
    ALWAYS = "always"
    FOR_BOOKINGS = "for adopt and close"
    IF_TRIPPED = "for ALL or tripped limits"
    IF_LATCHED = "if latched"


# Counted from the moment a command was written; an older one is never carried out.
MAX_AGE_S: Mapping[Risk, float] = MappingProxyType(
    {Risk.READING: 600.0, Risk.RAISING: 30.0, Risk.REDUCING: 300.0, Risk.SETTING: 30.0}
)
# Only reducing commands wait for a bot that is away, with a Cancel button, for this long.
QUEUED_MAX_AGE_S = 86_400.0


def queued_age_max_s(risk: Risk) -> float:
    """Return how old a command of a class may be when the engine receives it."""
    return QUEUED_MAX_AGE_S if risk is Risk.REDUCING else MAX_AGE_S[risk]


@dataclass(frozen=True, slots=True)
class Verb:
    """Describe one command; `available` says whether this version carries it out.

    A command with `names_bot` may end with @BOT, one with `broadcast` also with @all, and one
    with `names_account`, which is not about the bot as a whole, with @BOT:ACCOUNT.
    """

    name: str
    summary: str
    place: Place
    risk: Risk
    role: Role
    arguments: tuple[Argument, ...] = ()
    examples: tuple[str, ...] = ()
    confirm: Confirm = Confirm.NEVER
    available: bool = False
    names_bot: bool = False
    broadcast: bool = False
    names_account: bool = False

    @property
    def max_age_s(self) -> float:
        """Return how old a command may be when it is sent to a bot that is connected."""
        return MAX_AGE_S[self.risk]

    @property
    def max_age_queued_s(self) -> float:
        """Return how old a command may be when the engine receives it, waiting included."""
        return queued_age_max_s(self.risk)

    @property
    def usage(self) -> str:
        """Return how the command is written, such as `/buy [SYMBOL|ALL [AMOUNT]]`."""
        return f"/{self.name}{_usage(self.arguments)}"


def _usage(arguments: tuple[Argument, ...]) -> str:
    if not arguments:
        return ""
    first, rest = arguments[0], arguments[1:]
    text = first.placeholder
    if rest and rest[0].follows:
        text, rest = f"{text} [{rest[0].placeholder}]", rest[1:]
    return (f" {text}" if first.required else f" [{text}]") + _usage(rest)
