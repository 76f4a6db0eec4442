"""Which bot a command goes to: a decision from names alone, without side effects."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from tcpproto.vocabulary import ALL_BOTS, Risk


@dataclass(frozen=True, slots=True)
class To:
    """Send to these bots."""

    bots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask which of these bots is meant."""

    bots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do nothing, and say why."""

    text: str


Route = To | Ask | Refuse


@dataclass(frozen=True, slots=True)
class Scene:
    """Hold what a decision depends on."""

    connected: Sequence[str]
    known: Sequence[str]
    chosen: str | None


def find_route(named: str | None, risk: Risk, scene: Scene) -> Route:
    """Decide by the name in the command, else the only bot, else the chosen one, else ask."""
    if named == ALL_BOTS:
        return _to_all(risk, scene)
    if named is not None:
        return To((named,)) if named in scene.known else Refuse(unknown_bot(named, scene.known))
    if scene.connected:
        return _among_connected(risk, scene)
    return _while_all_are_away(risk, scene)


def unknown_bot(name: str, known: Sequence[str]) -> str:
    """Say that there is no such bot, and which is nearest."""
    if not known:
        return f"there is no bot {name}; none has connected yet"
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known[:10])}"
    return f"there is no bot {name}; {hint}"


def _to_all(risk: Risk, scene: Scene) -> Route:
    # What reduces risk also waits for the bots that are away.
    bots = scene.known if risk is Risk.REDUCING else scene.connected
    return To(tuple(bots)) if bots else Refuse("no bot is connected; nothing sent")


def _among_connected(risk: Risk, scene: Scene) -> Route:
    if len(scene.connected) > 1:
        return Ask(tuple(scene.connected)) if scene.chosen is None else To((scene.chosen,))
    only = scene.connected[0]
    is_other_chosen = scene.chosen is not None and scene.chosen != only
    if is_other_chosen and risk is not Risk.READING and scene.chosen in scene.known:
        # The person chose a bot that is away: acting on another one would be a surprise.
        return Ask((only, str(scene.chosen)))
    return To((only,))


def _while_all_are_away(risk: Risk, scene: Scene) -> Route:
    if scene.chosen is not None and scene.chosen in scene.known:
        return To((scene.chosen,))
    if len(scene.known) == 1:
        return To((scene.known[0],))
    if scene.known and risk is Risk.REDUCING:
        return Ask(tuple(scene.known))
    return Refuse("no bot is connected; nothing sent")
