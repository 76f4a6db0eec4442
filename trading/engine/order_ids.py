"""Client order ids: 18 characters that say whose order it is, short enough for every venue.

`t`, four characters for the bot, two for the account, three for the instance, three for the run
and five for the number within the run. The tags are hashes: an id proves that an order is ours.
A run's own tag, and numbers that begin at a place of its own, keep one run from giving the ids of
another, also after a database was restored.
"""

import hashlib
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

ID_LEN: Final = 18
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_NUMBER_LEN: Final = 5
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
NUMBER_MAX: Final = 32**_NUMBER_LEN - 1


@dataclass(frozen=True, slots=True)
class OrderTag:
    """Hold what can be read back from an id."""

    bot: str
    account: str
    instance: str
    run: str
    number: int


class OrderIds:
    """Make the ids of one bot in one run; none that `is_known` knows is given."""

    def __init__(
        self, bot: str, run: str, is_known: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._bot = tag_of(bot, 4)
        self._run = tag_of(run, 3)
        self._is_known = is_known
        self._prefixes: dict[tuple[str, str], str] = {}
        # Three characters alone tell apart too few runs for years of restarts.
        self._number = _decode(tag_of(run, 3 + _NUMBER_LEN)[3:])

    def next_id(self, account: str, instance: str) -> str:
        """Return a new id for an order of an account's instance; "" is a person."""
        whose = self._prefixes.get((account, instance)) or self._prefix(account, instance)
        while True:
            # Around again after the last one: wishes that are refused use up numbers too.
            self._number = number = (self._number + 1) & NUMBER_MAX
            rest = f"{_ALPHABET[number >> 20]}{_PAIRS[number >> 10 & 1023]}{_PAIRS[number & 1023]}"
            order_id = whose + rest
            if not self._is_known(order_id):
                return order_id

    def _prefix(self, account: str, instance: str) -> str:
        """Return how all ids of an account's instance begin; there are few of these."""
        prefix = f"t{self._bot}{tag_of(account, 2)}{tag_of(instance, 3)}{self._run}"
        self._prefixes[account, instance] = prefix
        return prefix

    def is_ours(self, order_id: str, account: str) -> bool:
        """Tell whether an id was made by this bot for this account, in whatever run."""
        tag = read_order_id(order_id)
        return tag is not None and (tag.bot, tag.account) == (self._bot, tag_of(account, 2))


@lru_cache(maxsize=8_192)
def tag_of(name: str, length: int) -> str:
    """Return the tag that stands for a name."""
    digest = hashlib.blake2b(name.encode(), digest_size=10).digest()
    return b32encode(digest).decode().lower()[:length]


def read_order_id(order_id: str) -> OrderTag | None:
    """Return the parts of an id, or None for one that is not of this kind."""
    if len(order_id) != ID_LEN or not order_id.startswith("t"):
        return None
    if any(character not in _ALPHABET for character in order_id):
        return None
    number = _decode(order_id[-_NUMBER_LEN:])
    return OrderTag(order_id[1:5], order_id[5:7], order_id[7:10], order_id[10:13], number)


def _decode(characters: str) -> int:
    number = 0
    for character in characters:
        number = number * 32 + _ALPHABET.index(character)
    return number
