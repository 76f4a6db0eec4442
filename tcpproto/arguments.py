"""Arguments of chat commands: what each kind accepts and the one form it is passed on in.

Every text here comes from a person or a peer and may be hostile. A word is either turned
into its canonical form, which reads back as itself, or refused with a CommandError that
can be shown as it is. Knows nothing of verbs, sockets or time.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

ALL = "ALL"
MAX_WORDS = 16
MAX_WORD_LENGTH = 64
MAX_DURATION_S = 7 * 86_400

_SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RESERVED_BOT_NAMES = frozenset({"telegram", "all"})
# Printable characters that are no part of any command: invisible, reordering or unassigned.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_SYMBOL = re.compile(
    r"(?=[^A-Z]*[A-Z])[A-Z0-9._]{1,20}(?:/[A-Z0-9._]{1,20}(?::[A-Z0-9._]{1,20}(?:-[A-Z0-9.]{1,12}){0,3})?)?"
)
_AMOUNT = re.compile(r"[0-9]{0,18}(?:\.[0-9]{0,18})?")
_COUNT = re.compile(r"[0-9]{1,6}")
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_BOT_NAME = re.compile(r"[a-z0-9_-]{1,32}")
_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}")


class CommandError(ValueError):
    """Say in one line, fit for the person who typed it, why a command is not understood."""


class Kind(StrEnum):
    """Name what an argument means, hence what is accepted for it."""

    SYMBOL = "symbol"
    AMOUNT = "amount"
    COUNT = "count"
    DURATION = "duration"
    BOT = "bot"
    CHOICE = "choice"
    WORD = "word"
    ZONE = "zone"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Argument:
    """Describe one argument: its kind, whether it may be left out, and its limits.

    `literals` are accepted word for word beside the kind's own values (ALL, off).
    `follows` means that it is understood only when the argument before it is given.
    `repeatable` arguments take every word that is left and so come last.
    `asked` means that a person who leaves it out is asked which one is meant.
    """

    name: str
    kind: Kind
    required: bool = False
    repeatable: bool = False
    follows: bool = False
    asked: bool = False
    choices: tuple[str, ...] = ()
    synonyms: tuple[tuple[str, str], ...] = ()
    literals: tuple[str, ...] = ()
    count_max: int = 0

    @property
    def placeholder(self) -> str:
        """Return how the argument is written in a usage line, without brackets."""
        names = self.choices if 0 < len(self.choices) <= 4 else (self.name.upper(),)
        return "|".join((*names, *self.literals)) + ("…" if self.repeatable else "")

    def resembles(self, word: str) -> bool:
        """Tell whether a word is meant for this argument rather than for the next one."""
        if self._literal(word) is not None:
            return True
        match self.kind:
            case Kind.CHOICE:
                return self._choice(word) is not None
            case Kind.SYMBOL:
                return any(character.isalpha() for character in word)
            case Kind.COUNT:
                return not any(character.isalpha() for character in word)
            case Kind.DURATION:
                return word[:1].isdigit() or word[:1] in "+-."
            case _:
                return True

    def read(self, word: str) -> str:
        """Return the canonical form of a word or raise CommandError."""
        check_word(word)
        literal = self._literal(word)
        if literal is not None:
            return literal
        match self.kind:
            case Kind.SYMBOL:
                return read_symbol(word)
            case Kind.AMOUNT:
                return read_amount(word)
            case Kind.COUNT:
                return read_count(word, self.count_max)
            case Kind.DURATION:
                read_duration_s(word)
                return word.lower().lstrip("0")
            case Kind.BOT:
                return read_bot_name(word)
            case Kind.CHOICE:
                return self._read_choice(word)
            case Kind.WORD:
                return _read_shape(word, _WORD, "a name of letters, digits and _ . : -")
            case Kind.ZONE:
                return _read_shape(word, _ZONE, "a time zone such as Europe/Berlin")
            case Kind.TEXT:
                return word

    def _literal(self, word: str) -> str | None:
        if not word.isascii():
            return None
        return next((known for known in self.literals if known.lower() == word.lower()), None)

    def _choice(self, word: str) -> str | None:
        # Non-ASCII letters may fold to ASCII ones (the Kelvin sign to k): not what was typed.
        if not word.isascii():
            return None
        lowered = word.lower()
        return lowered if lowered in self.choices else dict(self.synonyms).get(lowered)

    def _read_choice(self, word: str) -> str:
        choice = self._choice(word)
        if choice is None:
            if len(self.choices) > 12:
                raise CommandError(f"{quoted(word)} is not a {self.name}")
            allowed = ", ".join((*self.choices, *self.literals))
            raise CommandError(f"{quoted(word)} is not one of {allowed}")
        return choice


def quoted(text: str) -> str:
    """Return text shortened and made printable, for use inside an error."""
    shown = "".join(one if one.isprintable() else "?" for one in text[:32])
    return f"'{shown}…'" if len(text) > 32 else f"'{shown}'"


def is_refused(character: str) -> bool:
    """Tell whether a character can be no part of a command."""
    return unicodedata.category(character) in _REFUSED_CATEGORIES


def check_word(word: str) -> None:
    """Raise CommandError unless a word has a sane length and only visible characters."""
    if not word:
        raise CommandError("an argument is empty")
    if len(word) > MAX_WORD_LENGTH:
        raise CommandError(f"{quoted(word)} is longer than {MAX_WORD_LENGTH} characters")
    if any(is_refused(character) or character.isspace() for character in word):
        raise CommandError(f"{quoted(word)} contains control or invisible characters")


def read_symbol(word: str) -> str:
    """Return a market symbol in upper case, `BTC-USDT` as `BTC/USDT`."""
    symbol = word.upper() if word.isascii() and word.upper() != ALL else ""
    if "/" not in symbol and symbol.count("-") == 1:
        symbol = symbol.replace("-", "/")
    if _SYMBOL.fullmatch(symbol) is None:
        raise CommandError(f"{quoted(word)} is not a market symbol such as BTC/USDT")
    return symbol


def read_amount(word: str) -> str:
    """Return a positive decimal number without sign, exponent or superfluous zeros."""
    if _AMOUNT.fullmatch(word) is None or not any(character.isdigit() for character in word):
        raise CommandError(
            f"{quoted(word)} is not an amount: a plain number such as 0.01, with a decimal point"
        )
    whole, _, fraction = word.partition(".")
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    if whole == "0" and not fraction:
        raise CommandError("the amount must be more than zero")
    return f"{whole}.{fraction}" if fraction else whole


def read_count(word: str, count_max: int) -> str:
    """Return a whole number from 1 to `count_max` without leading zeros."""
    if _COUNT.fullmatch(word) is None or not 1 <= int(word) <= count_max:
        raise CommandError(f"{quoted(word)} is not a whole number from 1 to {count_max}")
    return str(int(word))


def read_duration_s(word: str) -> int:
    """Return the seconds that a duration such as 90s, 10m, 2h or 1d stands for."""
    match = _DURATION.fullmatch(word.lower()) if word.isascii() else None
    seconds = int(match[1]) * _SECONDS_PER_UNIT[match[2]] if match is not None else 0
    if not 1 <= seconds <= MAX_DURATION_S:
        raise CommandError(f"{quoted(word)} is not a duration such as 90s, 10m, 2h or 7d (at most)")
    return seconds


def read_bot_name(word: str) -> str:
    """Return the name of a bot in lower case."""
    name = word.removeprefix("@").lower() if word.isascii() else ""
    if _BOT_NAME.fullmatch(name) is None or name in _RESERVED_BOT_NAMES:
        raise CommandError(f"{quoted(word)} is not the name of a bot")
    return name


def read_account_name(word: str) -> str:
    """Return the name of an account in lower case."""
    name = word.lower() if word.isascii() else ""
    if _BOT_NAME.fullmatch(name) is None or name in _RESERVED_BOT_NAMES:
        raise CommandError(f"{quoted(word)} is not the name of an account")
    return name


def _read_shape(word: str, shape: re.Pattern[str], wanted: str) -> str:
    if shape.fullmatch(word) is None:
        raise CommandError(f"{quoted(word)} is not {wanted}")
    return word
