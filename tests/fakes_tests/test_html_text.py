"""HTML as Telegram reads it: the wording of refusals, entities, lengths."""

import html
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.bot_api.html_text import parse_html, utf16_length
from tests.fakes.bot_api.refusals import RefusalError
from tests.fakes.bot_api.texts import read_text

WRONG: Final = [
    ("<x>", 'Unsupported start tag "x" at byte offset 0'),
    ("é <h1>", 'Unsupported start tag "h1" at byte offset 3'),
    ("a < b", 'Unsupported start tag "" at byte offset 2'),
    ("<br/>", 'Unsupported start tag "br/" at byte offset 0'),
    ("a <", "Unclosed start tag at byte offset 2"),
    ("<b", "Unclosed start tag at byte offset 0"),
    ("<b>bold", 'Can\'t find end tag corresponding to start tag "b"'),
    ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
    ("</b>", "Unexpected end tag at byte offset 0"),
    ("<b>x</b", "Unclosed end tag at byte offset 4"),
    ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ("<a href=x&y>z</a>", "Unexpected end of name token at byte offset 8"),
    ('<a href="x>z</a>', "Unclosed start tag at byte offset 0"),
    ('<a ="x">z</a>', 'Empty attribute name in the tag "a" at byte offset 0'),
    ('<tg-emoji emoji-id="x">y</tg-emoji>', "Invalid custom emoji identifier specified"),
]


def _words_for(source: str) -> str:
    """Return what a refusal says, or nothing for HTML that is read."""
    try:
        parse_html(source)
    except RefusalError as refusal:
        return refusal.description
    return ""


@pytest.mark.parametrize(("source", "words"), WRONG)
def test_wrong_html_is_refused_in_the_words_of_the_api(source: str, words: str) -> None:
    with pytest.raises(RefusalError) as refusal:
        parse_html(source)
    assert refusal.value.description == f"Bad Request: can't parse entities: {words}"
    assert refusal.value.status == 400


def test_tags_become_entities_and_references_become_characters() -> None:
    text, entities = parse_html(
        '<B>1 &lt; 2</B> &amp; <a href="https://x.y/?a&amp;b">here</a> &nbsp;'
    )
    assert text == "1 < 2 & here &nbsp;"
    assert entities == [
        {"type": "bold", "offset": 0, "length": 5},
        {"type": "text_link", "offset": 8, "length": 4, "url": "https://x.y/?a&b"},
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<pre>x</pre>", {"type": "pre"}),
        ('<pre><code class="language-py">x</code></pre>', {"type": "pre", "language": "py"}),
        ('<code class="language-py">x</code>', {"type": "code"}),
        ("<blockquote>x</blockquote>", {"type": "blockquote"}),
        ("<blockquote expandable>x</blockquote>", {"type": "expandable_blockquote"}),
        ('<span class="tg-spoiler">x</span>', {"type": "spoiler"}),
        ("<tg-spoiler>x</tg-spoiler>", {"type": "spoiler"}),
        ("<s>x</>", {"type": "strikethrough"}),
        ('<tg-emoji emoji-id="12">x</tg-emoji>', {"type": "custom_emoji", "custom_emoji_id": "12"}),
    ],
)
def test_each_tag_has_its_entity(source: str, expected: dict[str, str]) -> None:
    assert parse_html(source) == ("x", [{**expected, "offset": 0, "length": 1}])


def test_nothing_is_marked_where_there_is_no_text_or_no_link() -> None:
    assert parse_html("<b></b><a href='nowhere'>x</a>") == ("x", [])


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(RefusalError, match="invalid Unicode characters"):
        parse_html("&#xD83D;")


def test_offsets_and_lengths_count_utf16_code_units() -> None:
    assert parse_html("😀<b>é😀</b>")[1] == [{"type": "bold", "offset": 2, "length": 3}]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_length_is_that_of_utf16(text: str) -> None:
    assert utf16_length(text) == sum(2 if ord(character) > 0xFFFF else 1 for character in text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_text_comes_out_as_it_went_in(text: str) -> None:
    assert parse_html(html.escape(text, quote=False)) == (text, [])
    assert parse_html(f"<pre>{html.escape(text)}</pre>".replace("&#x27;", "'"))[0] == text


_DOCUMENTS: Final = st.recursive(
    st.text(st.sampled_from("ab<>&é😀 \n")).map(
        lambda text: (html.escape(text, quote=False), text)
    ),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["b", "i", "u", "code", "pre", "blockquote"]), inner).map(
            lambda pair: (f"<{pair[0]}>{pair[1][0]}</{pair[0]}>", pair[1][1])
        ),
        st.lists(inner, max_size=4).map(
            lambda parts: ("".join(part[0] for part in parts), "".join(part[1] for part in parts))
        ),
    ),
)


@given(_DOCUMENTS)
def test_balanced_html_gives_its_text_and_entities_inside_of_it(document: tuple[str, str]) -> None:
    source, plain = document
    text, entities = parse_html(source)
    assert text == plain
    for entity in entities:
        offset, length = entity["offset"], entity["length"]
        assert isinstance(offset, int)
        assert isinstance(length, int)
        assert 0 <= offset < offset + length <= utf16_length(text)


@given(_DOCUMENTS, st.data())
def test_html_cut_anywhere_is_read_or_refused_but_never_breaks(
    document: tuple[str, str], data: st.DataObject
) -> None:
    source = document[0]
    piece = source[: data.draw(st.integers(0, len(source)))]
    assert _words_for(piece) == "" or "can't parse entities" in _words_for(piece)


@given(st.text(st.sampled_from("<>/ab =\"'&;#x1é😀-.")))
def test_rubbish_is_read_or_refused_but_never_breaks(source: str) -> None:
    assert _words_for(source) == "" or "can't parse entities" in _words_for(source)


@given(_DOCUMENTS)
def test_what_is_stored_has_no_blank_end_and_entities_that_fit(document: tuple[str, str]) -> None:
    formatted = read_text(document[0], "HTML", None)
    assert formatted.text == formatted.text.rstrip()
    assert len(formatted.entities) <= 100
    for entity in formatted.entities:
        offset, length = entity["offset"], entity["length"]
        assert isinstance(offset, int)
        assert isinstance(length, int)
        assert length > 0
        assert offset + length <= utf16_length(formatted.text)


def test_commands_mentions_and_links_are_found_outside_of_code() -> None:
    formatted = read_text(
        "/buy@desk_bot BTC @ann https://x.y/z. #tag <pre>/sell</pre>", "HTML", None
    )
    assert [entity["type"] for entity in formatted.entities] == [
        *("bot_command", "mention", "url", "hashtag", "pre"),
    ]
