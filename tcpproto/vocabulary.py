"""The command vocabulary that bridge and engine share: the table of verbs and its grammar.

Lines from people and arguments from peers are checked against it here; what a command then
does is not known here. Whatever the input, the only error is CommandError. No IO, no clock.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from tcpproto.arguments import (
    ALL,
    MAX_WORDS,
    Argument,
    CommandError,
    Kind,
    is_refused,
    quoted,
    read_account_name,
    read_bot_name,
)
from tcpproto.verb_table import ALIASES, LEGACY_VERBS, VOCABULARY
from tcpproto.verbs import (
    MAX_AGE_S,
    QUEUED_MAX_AGE_S,
    Confirm,
    Place,
    Risk,
    Role,
    Verb,
    queued_age_max_s,
    role_allows,
)

__all__ = [
    "ALIASES",
    "ALL",
    "ALL_BOTS",
    "LEGACY_VERBS",
    "MAX_AGE_S",
    "MAX_LINE_LENGTH",
    "NOT_AVAILABLE",
    "QUEUED_MAX_AGE_S",
    "VOCABULARY",
    "Argument",
    "CommandError",
    "Confirm",
    "Kind",
    "ParsedCommand",
    "Place",
    "Risk",
    "Role",
    "Verb",
    "asks_for_symbol",
    "check_arguments",
    "is_legacy_verb",
    "legacy_text",
    "name_arguments",
    "named_in",
    "nearest",
    "needs_confirmation",
    "parse_line",
    "queued_age_max_s",
    "risk_of",
    "role_allows",
    "takes_all_symbols",
]

MAX_LINE_LENGTH = 512
ALL_BOTS = "all"
NOT_AVAILABLE = "not available in this version"

# What somebody in a hurry may call it: by its letters /close would be taken for /logs.
_SAID_ELSEWHERE: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("close", "closeall", "exit", "exitall", "liquidate"), "flatten")
    | dict.fromkeys(("kill", "killswitch", "panic"), "emergency")
    | {"halt": "stop"}
)

_VERB_WORD = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?")


@dataclass(frozen=True, slots=True)
class ParsedCommand:
    """Hold a line that was understood: canonical verb and arguments, and whom it is for.

    `bot` is the name after the last @, or ALL_BOTS, or None when the line names no bot; `account`
    is what follows it after a colon, or nothing.
    `addressee` is the chat bot in `/verb@Addressee`; a line for another one is not ours.
    """

    verb: str
    args: tuple[str, ...] = ()
    bot: str | None = None
    addressee: str | None = None
    account: str = ""

    @property
    def line(self) -> str:
        """Return the line that parses to this command again."""
        verb = self.verb if self.addressee is None else f"{self.verb}@{self.addressee}"
        account = f":{self.account}" if self.account else ""
        place = f"@{self.bot or ''}{account}"
        return " ".join((f"/{verb}", *self.args, *(() if place == "@" else (place,))))


# Asked of each line three times: how old it may be, what it risks, and to carry it out.
@lru_cache(maxsize=64)
def parse_line(line: str) -> ParsedCommand:
    """Read a line such as `/buy BTC-USDT 0.01 @paper`, or raise CommandError."""
    if len(line) > MAX_LINE_LENGTH:
        raise CommandError(f"the line is longer than {MAX_LINE_LENGTH} characters")
    if any(is_refused(character) for character in line):
        raise CommandError("the line contains control or invisible characters, or several lines")
    words = line.split()
    if not words or not words[0].startswith("/"):
        raise CommandError("commands begin with /, for example /help")
    match = _VERB_WORD.fullmatch(words[0])
    if match is None:
        raise CommandError(f"{quoted(words[0])} is not a command; try /help")
    verb = _find_verb(match[1].lower())
    bot, account, args = _take_place(verb, words[1:])
    return ParsedCommand(verb.name, check_arguments(verb.name, args), bot, match[2], account)


def check_arguments(verb: str, args: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments in canonical form, or raise CommandError with the usage."""
    return tuple(word for _, word in _match(_find_verb(verb).name, tuple(args)))


def name_arguments(verb: str, args: Sequence[str]) -> dict[str, str]:
    """Return canonical arguments by name, those of a repeatable one joined by spaces."""
    named: dict[str, str] = {}
    for argument, word in _match(_find_verb(verb).name, tuple(args)):
        named[argument.name] = f"{named[argument.name]} {word}" if argument.name in named else word
    return named


def risk_of(verb: str, args: Sequence[str]) -> Risk:
    """Return the risk class of one command; switching an instance down reduces risk."""
    row = _find_verb(verb)
    if row.name == "reconcile":
        answer = name_arguments(verb, args).get("answer")
        return {None: Risk.READING, "close": Risk.REDUCING}.get(answer, row.risk)
    if row.name == "mode" and name_arguments(verb, args)["mode"] != "active":
        return Risk.REDUCING
    return row.risk


def needs_confirmation(verb: str, args: Sequence[str]) -> bool:
    """Tell whether a command with these canonical arguments is confirmed before it is sent.

    What the bot says of itself may ask for a confirmation as well: see Confirm.
    """
    row = _find_verb(verb)
    if row.confirm in {Confirm.FOR_ALL, Confirm.IF_TRIPPED}:
        return ALL in args
    if row.confirm is Confirm.FOR_BOOKINGS:
        return len(args) > 1 and args[-1] != "ignore"
    return row.confirm is Confirm.ALWAYS


def asks_for_symbol(verb: str, args: Sequence[str]) -> bool:
    """Tell whether a command lacks the market (or ALL) that a person is asked for first."""
    row = _find_verb(verb)
    asked = {argument.name for argument in row.arguments if argument.asked}
    try:
        return bool(asked) and asked.isdisjoint(name_arguments(verb, args))
    except CommandError:
        # Not understood at all, which is said elsewhere.
        return False


def takes_all_symbols(verb: str) -> bool:
    """Tell whether a command can mean all markets."""
    return _takes_all_symbols(_find_verb(verb))


def nearest(name: str) -> str | None:
    """Return the known verb or alias that means what a name does, or looks most like it."""
    if name.lower() in _SAID_ELSEWHERE:
        return _SAID_ELSEWHERE[name.lower()]
    known = (*VOCABULARY, *ALIASES)
    close = difflib.get_close_matches(name[:32].lower(), known, n=1, cutoff=0.6)
    return close[0] if close else None


def named_in(text: str) -> str | None:
    """Return the verb or alias that a line without its / begins with, if it does."""
    word = next(iter(text[:MAX_LINE_LENGTH].lower().split()), "")
    if word in VOCABULARY or word in ALIASES:
        return word
    return _SAID_ELSEWHERE.get(word)


def is_legacy_verb(verb: str) -> bool:
    """Tell whether a three-field peer understands a verb."""
    return verb in LEGACY_VERBS


def legacy_text(verb: str, args: Sequence[str]) -> str | None:
    """Return a command as three-field peers read it, or None when they cannot express it.

    They take everything after the colon for the symbol and know no amount. To them a verb
    alone means every symbol, so only ALL is sent as that, never a symbol left open.
    """
    if verb not in LEGACY_VERBS or asks_for_symbol(verb, args):
        return None
    try:
        words = check_arguments(verb, args)
    except CommandError:
        return None
    if words in {(), (ALL,)}:
        return verb
    return (
        f"{verb}:{words[0]}" if _takes_all_symbols(VOCABULARY[verb]) and len(words) == 1 else None
    )


def _takes_all_symbols(row: Verb) -> bool:
    return any(ALL in argument.literals for argument in row.arguments)


def _find_verb(name: str) -> Verb:
    row = VOCABULARY.get(ALIASES.get(name, name))
    if row is not None:
        return row
    close = nearest(name)
    hint = "try /help" if close is None else f"did you mean /{close}?"
    raise CommandError(f"there is no command {quoted('/' + name)}; {hint}")


def _take_place(row: Verb, words: Sequence[str]) -> tuple[str | None, str, Sequence[str]]:
    """Take bot and account from the end of a line; what is left are the arguments."""
    if not row.names_bot or not words:
        return None, "", words
    last, rest = words[-1], words[:-1]
    # A plain `all` means every bot only where it cannot mean every market.
    means_bots = row.broadcast and not _takes_all_symbols(row)
    if last.lower() == f"@{ALL_BOTS}" or (means_bots and last.lower() == ALL_BOTS):
        if not row.broadcast:
            raise CommandError(f"/{row.name} goes to one bot, never to all")
        return ALL_BOTS, "", rest
    if not last.startswith("@"):
        return None, "", words
    bot, colon, account = last.partition(":")
    if colon and not row.names_account:
        raise CommandError(f"/{row.name} is about a bot, not about one of its accounts")
    named = None if colon and bot == "@" else read_bot_name(bot)
    return named, read_account_name(account) if colon else "", rest


# Each command is looked at some four times on its way, and people repeat theirs.
@lru_cache(maxsize=64)
def _match(verb: str, args: tuple[str, ...]) -> tuple[tuple[Argument, str], ...]:
    row = VOCABULARY[verb]
    try:
        return _match_words(row.arguments, args)
    except CommandError as error:
        example = f", for example {row.examples[0]}" if row.examples else ""
        raise CommandError(f"{error}. Usage: {row.usage}{example}") from None


def _match_words(
    left: tuple[Argument, ...], args: Sequence[str]
) -> tuple[tuple[Argument, str], ...]:
    """Give each word to the first argument it resembles; only optional ones are passed over."""
    if len(args) > MAX_WORDS:
        raise CommandError(f"more than {MAX_WORDS} words")
    matched: list[tuple[Argument, str]] = []
    for word in args:
        argument, left = _choose(word, left, matched)
        matched.append((argument, argument.read(word)))
    missing = next((argument for argument in left if argument.required), None)
    if missing is not None:
        raise CommandError(f"the {missing.name} is missing")
    return tuple(matched)


def _choose(
    word: str, left: tuple[Argument, ...], matched: list[tuple[Argument, str]]
) -> tuple[Argument, tuple[Argument, ...]]:
    """Return the argument that a word is for, and those that may still come after it."""
    candidates = _candidates(left)
    if not candidates:
        raise CommandError(f"{quoted(word)} is one word too many")
    first = candidates[0]
    if first.follows and matched[-1][1] in matched[-1][0].literals:
        raise CommandError(f"{first.name} cannot be given for {matched[-1][1]}")
    # The few words of a choice go before the wide shapes: 1h is a timeframe, not a market.
    choices = (one for one in candidates if one.kind is Kind.CHOICE and one.resembles(word))
    likely = (one for one in candidates if one.resembles(word))
    chosen = next(choices, None) or next(likely, first)
    after = left.index(chosen) + (0 if chosen.repeatable else 1)
    return chosen, left[after:]


def _candidates(left: tuple[Argument, ...]) -> list[Argument]:
    candidates: list[Argument] = []
    for argument in left:
        # A follower whose leader was passed over, or is still to come, has nothing to refer to.
        if argument.follows and candidates:
            break
        candidates.append(argument)
        if argument.required:
            break
    return candidates
