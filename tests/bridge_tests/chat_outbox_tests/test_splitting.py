"""Texts cut into messages: nothing is lost, nothing is too long, and tags stay balanced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telegram.bridge.chat_outbox.packing import fitting
from telegram.bridge.chat_outbox.splitting import (
    head,
    measure,
    plain_of,
    split_html,
    split_plain,
    utf16_len,
)
from tests.fakes.bot_api.html_text import parse_html, utf16_length

_TEXT = st.text(st.sampled_from("ab <>&\"'\n\n🟢é€x"), max_size=60)
_TAGS = ("b", "i", "u", "s", "code", "pre", "blockquote", 'a href="https://example.org/?a=1&amp;b"')


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _tagged(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    wrapped = st.tuples(st.sampled_from(_TAGS), inner).map(
        lambda one: f"<{one[0]}>{one[1]}</{one[0].split()[0]}>"
    )
    return st.lists(wrapped | inner, max_size=6).map("".join)


_HTML = st.recursive(_TEXT.map(_escape), _tagged, max_leaves=30)


@given(st.text(max_size=400), st.integers(2, 50))
def test_pieces_of_plain_text_are_the_text(text: str, budget: int) -> None:
    pieces = split_plain(text, budget)
    assert "".join(pieces) == text
    assert all(0 < utf16_len(piece) <= budget for piece in pieces)


@given(_HTML, st.integers(2, 60), st.integers(8, 20))
def test_pieces_of_html_are_balanced_and_show_the_same(
    html: str, budget: int, entities_max: int
) -> None:
    shown, _ = parse_html(html)
    parsed = [parse_html(piece) for piece in split_html(html, budget, entities_max)]
    assert "".join(text for text, _ in parsed) == shown
    for text, entities in parsed:
        assert 0 < utf16_length(text) <= budget
        assert len(entities) <= max(entities_max, _depth(html) + 1)


@given(_HTML)
def test_a_length_is_what_telegram_counts(html: str) -> None:
    shown, entities = parse_html(html)
    units, at_most = measure(html)
    assert (units, plain_of(html)) == (utf16_length(shown), shown)
    assert len(entities) <= at_most


def _depth(html: str) -> int:
    depth = deepest = 0
    for part in html.split("<")[1:]:
        depth += -1 if part.startswith("/") else 1
        deepest = max(deepest, depth)
    return deepest


@pytest.mark.parametrize("html", ["<b>open", "</b>", "<b><i></b></i>", "a < b", "<>"])
def test_html_whose_tags_do_not_match_is_refused(html: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        split_html(html)


_MARKUP = (
    "<b>",
    "</b>",
    "</B>",
    "<i class='x'>",
    "</i>",
    "<",
    ">",
    "&",
    "&lt;",
    "&am",
    "p;",
    "a\n",
)


@given(st.lists(st.sampled_from(_MARKUP), max_size=12).map("".join))
def test_a_length_is_told_of_what_can_be_cut_and_of_nothing_else(html: str) -> None:
    try:
        pieces = split_html(html)
    except ValueError:
        with pytest.raises(ValueError, match="tag"):
            measure(html)
        return
    assert measure(html)[0] == utf16_len("".join(plain_of(piece) for piece in pieces))


def test_a_text_that_is_no_html_is_shown_as_it_is() -> None:
    assert plain_of("a < b &amp; c") == "a < b &amp; c"


def test_lines_are_cut_between_lines_where_that_is_possible() -> None:
    assert split_plain("one\ntwo\nthree", 8) == ["one\ntwo\n", "three"]
    assert split_html("<pre>one\ntwo\nthree</pre>", 8) == [
        "<pre>one\ntwo\n</pre>",
        "<pre>three</pre>",
    ]


@given(st.text(max_size=40), st.integers(0, 40))
def test_the_beginning_of_a_text_is_never_too_long(text: str, units: int) -> None:
    assert text.startswith(head(text, units))
    assert utf16_len(head(text, units)) <= units


@given(st.lists(st.text(max_size=30), max_size=30), st.integers(0, 100))
def test_as_many_lines_are_packed_as_fit(lines: list[str], budget: int) -> None:
    count = fitting(lines, budget, 20)
    assert count <= min(20, len(lines))
    assert count == 0 or utf16_len("\n".join(lines[:count])) <= budget
    if count < min(20, len(lines)):
        assert utf16_len("\n".join(lines[: count + 1])) > budget
