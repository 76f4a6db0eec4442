"""How the choices of a question lie under a message: rows of three where they fit, pages of nine.

What a button carries is short: the question's nonce, and the choice's number or a page's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from telegram.bridge.chat import Button, Buttons

CANCEL = "cancel"
PAGE_SIZE = 9
# So many buttons share a row where the longest label is no longer; a phone cuts off what is, and
# two markets may begin alike.
_LENGTHS_IN_COLUMNS = ((3, 13), (2, 20))
_LABEL_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """Offer one answer: the key that comes back and the label that is shown.

    A wide one has a row of its own, on every page and whatever was typed.
    """

    key: str
    label: str
    wide: bool = False

    @property
    def is_listed(self) -> bool:
        """Tell whether it is one of those that are paged and filtered."""
        return not self.wide and self.key != CANCEL


def matching(choices: Sequence[Choice], wanted: str) -> list[int]:
    """Return the numbers of the listed choices that hold some letters; without any, all."""
    return [
        number
        for number, one in enumerate(choices)
        if one.is_listed and wanted.lower() in one.label.lower()
    ]


def page_count(choices: Sequence[Choice], wanted: str = "") -> int:
    """Return how many pages there are."""
    return max(1, -(-len(matching(choices, wanted)) // PAGE_SIZE))


def lay_out(choices: Sequence[Choice], nonce: str, page: int = 0, wanted: str = "") -> Buttons:
    """Return the buttons of one page: wide ones, those of the page, the pager, Cancel."""

    def made(number: int) -> Button:
        return Button(choices[number].label[:_LABEL_LENGTH_MAX], f"{nonce}:{number}")

    listed = matching(choices, wanted)
    pages = page_count(choices, wanted)
    shown = [made(n) for n in listed[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]]
    rows: list[list[Button]] = [[made(n)] for n, one in enumerate(choices) if one.wide]
    columns = _columns([one.label for one in shown])
    rows += [shown[start : start + columns] for start in range(0, len(shown), columns)]
    if pages > 1:
        rows.append(_pager(nonce, page, pages))
    rows += [[made(n)] for n, one in enumerate(choices) if one.key == CANCEL]
    return rows


def _columns(labels: Sequence[str]) -> int:
    longest = max(map(len, labels), default=0)
    return next((columns for columns, fits in _LENGTHS_IN_COLUMNS if longest <= fits), 1)


def _pager(nonce: str, page: int, pages: int) -> list[Button]:
    return [
        Button("‹", f"{nonce}:p{(page - 1) % pages}"),
        Button(f"{page + 1}/{pages}", f"{nonce}:p{page}"),
        Button("›", f"{nonce}:p{(page + 1) % pages}"),
    ]
