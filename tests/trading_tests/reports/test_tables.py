"""Layout for a phone."""

from hypothesis import given
from hypothesis import strategies as st

from tests.trading_tests.reports.report_makers import assert_fits
from trading.reports.tables import COLUMNS, cut, labelled, limited, page, shortened, spread, wrapped

TEXTS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=120)


@given(TEXTS, TEXTS)
def test_every_layout_keeps_to_the_columns(left: str, right: str) -> None:
    for lines in (labelled(left, right), spread(left, right), wrapped(left, indent=3), [cut(left)]):
        assert all(len(line) <= COLUMNS for line in lines)


def test_a_value_that_does_not_fit_beside_its_label_goes_below() -> None:
    assert labelled("balance", "10,000.00") == ["balance  10,000.00"]
    assert labelled("P&L", "x" * 30) == ["P&L", " " + "x" * 30]


def test_both_ends_of_a_line_or_two_lines() -> None:
    assert spread("BTC/USDT", "+1.00") == ["BTC/USDT" + " " * 21 + "+1.00"]
    assert spread("x" * 30, "+1.00") == ["x" * 30, " +1.00"]


def test_words_are_kept_whole_unless_wider_than_a_line() -> None:
    assert wrapped("one two three", width=7) == ["one two", "three"]
    assert wrapped("abcdefgh ij", width=5) == ["abcde", "fgh", "ij"]
    assert wrapped("  ") == []


def test_a_text_that_is_cut_shows_it() -> None:
    text = " ".join(["word"] * 40)
    lines = shortened(text, 3, indent=1)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(len(line) <= COLUMNS and line.startswith(" ") for line in lines)
    assert shortened("short enough", 3) == ["short enough"]


def test_blocks_are_shown_whole_and_the_rest_is_counted() -> None:
    pairs = ["ab", "cd", "ef"]
    assert limited(pairs, list, 6, "things") == ["a", "b", "c", "d", "e", "f"]
    assert limited(pairs, list, 5, "things") == ["a", "b", "c", "d", "… 1 more things"]
    assert limited(pairs, list, 1, "things") == ["… 3 more things"]
    assert limited([], list, 0, "things") == []


def test_what_does_not_fit_is_not_drawn() -> None:
    drawn: list[int] = []

    def draw(number: int) -> list[str]:
        drawn.append(number)
        return [str(number)]

    limited(range(1_000), draw, 3, "numbers")
    assert drawn == [0, 1, 2]


def test_a_page_says_how_many_lines_it_leaves_out() -> None:
    text = page([f"line {number}" for number in range(50)], ["last"] * 50)
    assert_fits(text)
    assert text.endswith("\n… 41 more lines")
    assert page(["a"], [], ["b\nc"]) == "a\nb c"
