"""Pages for a phone: the words stay, everything is escaped, tables are tables."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telegram.bridge.chat_outbox.splitting import measure, split_html
from telegram.bridge.render import COLUMNS, fitted
from telegram.bridge.views.pages import table_html, to_html

STATUS = "trading  on\nequity   1,000.00\n[applied] /getstatus — paper main PAPER"


def plain(text: str) -> str:
    return html.unescape(re.sub(r"</?(?:b|pre)>", "", text))


def test_a_table_and_its_receipt() -> None:
    assert to_html(STATUS) == (
        "<pre>trading  on\nequity   1,000.00</pre>\n<b>[applied] /getstatus</b> — paper main PAPER"
    )


def test_the_first_line_of_every_alert_is_bold() -> None:
    text = "#7 paper warning: sold <1>\n  price    12\n  profit   +1\n#8 paper info: hello"
    assert to_html(text) == (
        "<b>#7 paper warning: sold &lt;1&gt;</b>\n"
        "<pre>  price    12\n  profit   +1</pre>\n"
        "<b>#8 paper info: hello</b>"
    )


@pytest.mark.parametrize(
    "text", ["hello", "one\ntwo", "a sentence that is longer than a phone is wide, surely\n  b  c"]
)
def test_prose_stays_prose(text: str) -> None:
    assert to_html(text) == text


def test_log_lines_are_shown_as_they_were_laid_out() -> None:
    text = "2026-11-20T14:03:07.123Z INFO engine a\n2026-11-20T14:03:08.123Z INFO engine b"
    assert to_html(text) == table_html(text)
    assert to_html("") == table_html("") == ""


LINES = st.lists(
    st.text(st.sampled_from("ab <>&\"'#12 —[]/ü😀"), max_size=COLUMNS + 5)
    | st.sampled_from(["[applied] /buy — x", "#3 paper critical: x", "name     1.00", " indented"]),
    max_size=12,
)


@given(LINES)
def test_words_stay_what_they_are_and_tags_match(lines: list[str]) -> None:
    text = "\n".join(lines)
    made = to_html(text)
    assert plain(made) == text
    measure(made)
    split_html(made)


@given(st.lists(st.text(st.characters(codec="ascii", categories=["L", "P", "Zs"]))))
def test_what_is_fitted_is_no_wider_than_a_phone_and_loses_no_word(lines: list[str]) -> None:
    found = fitted(lines)
    assert all(len(line) <= COLUMNS for line in found)
    assert "".join("".join(found).split()) == "".join("".join(lines).split())


def test_a_wide_line_goes_on_below_further_in() -> None:
    assert fitted(["○ paper main PAPER, second-account LIVE", "  link     away"]) == [
        "○ paper main PAPER, second-account",
        "  LIVE",
        "  link     away",
    ]
