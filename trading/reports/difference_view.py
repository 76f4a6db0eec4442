"""What /reconcile shows: the accounts with their last look, and the open differences."""

from collections.abc import Sequence
from dataclasses import dataclass

from trading.model.difference import OpenDifference
from trading.reports.alert_lines import mode_text
from trading.reports.difference_alerts import (
    barring_text,
    bars_of,
    choice_text,
    difference_fields,
    difference_text,
    subject_of,
)
from trading.reports.numbers import duration_text, quantity_text
from trading.reports.tables import View, cut, labelled, limited, page, wrapped

_LINES_MAX = 50


@dataclass(frozen=True, slots=True)
class LookView:
    """Say when an account was compared with its venue; `age_s` is None when it never was."""

    account: str
    is_paper: bool
    age_s: float | None = None


def differences_view(looks: Sequence[LookView], open_ones: Sequence[OpenDifference]) -> View:
    """Return the open differences, and how fresh that is."""
    fields = {
        "differences": [difference_fields(one) for one in open_ones],
        "accounts": [
            {"account": one.account, "paper": one.is_paper, "looked_ago_s": one.age_s}
            for one in looks
        ],
    }
    lines = [line for look in looks for line in _look_lines(look, open_ones)]
    blocks = limited(open_ones, _block, _LINES_MAX, "differences")
    return View(page(lines, blocks), fields)


def difference_view(one: OpenDifference) -> View:
    """Return one difference with all that can be done about it."""
    difference = one.difference
    lines = [
        cut(f"difference {one.number}: {subject_of(difference)}"),
        *labelled("account", one.account),
        *labelled("book", quantity_text(difference.expected)),
        *labelled("venue", quantity_text(difference.seen)),
        *wrapped(difference_text(difference)),
        *(wrapped(barring_text(one)) if bars_of(difference) else []),
    ]
    for choice in difference.choices:
        lines += wrapped(f"{choice.value}: {choice_text(difference, choice)}", indent=1)
    return View(page(lines), {"difference": difference_fields(one)})


def _look_lines(look: LookView, open_ones: Sequence[OpenDifference]) -> list[str]:
    head = cut(f"{mode_text(look.is_paper)} {look.account}")
    if look.is_paper:
        return [head, *wrapped("on paper: nothing to compare", indent=1)]
    if look.age_s is None:
        return [head, *wrapped("not compared yet since the start", indent=1)]
    count = sum(one.account == look.account for one in open_ones)
    state = "all agrees" if not count else f"{count:,} open"
    looked = f"{state}, looked {duration_text(look.age_s)} ago"
    return [
        head,
        *wrapped(looked, indent=1),
        *wrapped("looking again: what is new is asked here", indent=1),
    ]


def _block(one: OpenDifference) -> list[str]:
    choices = "|".join(choice.value for choice in one.difference.choices)
    return [
        *wrapped(f"{one.number} {subject_of(one.difference)}: {difference_text(one.difference)}"),
        *wrapped(f"/reconcile {one.number} {choices}", indent=1),
    ]
