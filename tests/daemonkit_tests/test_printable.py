import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemonkit.printable import one_line, printable

any_text = st.text(st.characters(categories=None), max_size=200)


def test_ordinary_text_of_any_language_is_left_alone() -> None:
    text = "BTC/USDT +3,2 % – „Größe“ 数量 🚀 é \tone\ntwo"
    assert printable(text) == text


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J\x1b]0;pwned\x07", "\\x1b[2J\\x1b]0;pwned\\x07"),
        ("rewind\rover", "rewind\\x0dover"),
        ("\x9b31m", "\\x9b31m"),
        ("\x85next line", "\\x85next line"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("\u2066iso\u2069", "\\u2066iso\\u2069"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("one\u2028two\u2029", "one\\u2028two\\u2029"),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("nul\x00", "nul\\x00"),
        ("del\x7f", "del\\x7f"),
    ],
)
def test_what_a_terminal_acts_on_becomes_a_visible_escape(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


@given(any_text)
def test_nothing_invisible_is_left_in_any_text(text: str) -> None:
    shown = printable(text)
    assert not [
        c
        for c in shown
        if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c not in "\n\t"
    ]
    shown.encode("utf-8")


@given(any_text)
def test_text_made_printable_once_stays_as_it_is(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@given(any_text)
def test_one_line_is_one_bounded_line(text: str) -> None:
    line = one_line(text, length_max=50)
    assert len(line) <= 50
    assert len(line.splitlines()) <= 1


def test_one_line_joins_lines_with_spaces() -> None:
    assert one_line("  first\r\nsecond\n\tthird ") == "first second  third"
