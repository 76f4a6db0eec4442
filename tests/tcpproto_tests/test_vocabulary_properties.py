"""The vocabulary under arbitrary input: one error type, canonical forms that stay."""

import string
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tcpproto.arguments import Argument, Kind, read_amount, read_duration_s, read_symbol
from tcpproto.vocabulary import (
    VOCABULARY,
    CommandError,
    ParsedCommand,
    check_arguments,
    legacy_text,
    name_arguments,
    needs_confirmation,
    parse_line,
    risk_of,
)

ANY_TEXT = st.text(st.characters(codec=None), max_size=80)
CODES = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=6)
SYMBOLS = st.builds("{}/{}".format, CODES, CODES).filter(
    lambda text: not text.replace("/", "").isdigit()
)
AMOUNTS = st.decimals("0.000000000000000001", "999999999999999999", allow_nan=False, places=18)
WORDS = st.text(string.ascii_letters + string.digits + "_.:-", min_size=1, max_size=20)


def words_for(argument: Argument) -> st.SearchStrategy[str]:
    match argument.kind:
        case Kind.SYMBOL:
            shapes = SYMBOLS | SYMBOLS.map(lambda symbol: symbol.replace("/", "-").lower())
        case Kind.AMOUNT:
            shapes = AMOUNTS.map("{:f}".format)
        case Kind.COUNT:
            shapes = st.integers(1, argument.count_max).map(str)
        case Kind.DURATION:
            shapes = st.integers(1, 168).map("{}h".format)
        case Kind.BOT:
            shapes = st.sampled_from(["paper", "kraken-2", "@Coinbase"])
        case Kind.CHOICE:
            known = (*argument.choices, *(synonym for synonym, _ in argument.synonyms))
            shapes = st.sampled_from(known) | st.sampled_from(known).map(str.upper)
        case Kind.ZONE:
            shapes = st.sampled_from(["UTC", "Europe/Berlin", "America/Argentina/Ushuaia"])
        case Kind.WORD | Kind.TEXT:
            shapes = WORDS
    return shapes | st.sampled_from(argument.literals) if argument.literals else shapes


@st.composite
def commands(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Draw a verb with words that its arguments are made for, some or all of them."""
    verb = VOCABULARY[draw(st.sampled_from(sorted(VOCABULARY)))]
    required = sum(argument.required for argument in verb.arguments)
    given_count = draw(st.integers(required, len(verb.arguments)))
    return verb.name, [draw(words_for(argument)) for argument in verb.arguments[:given_count]]


def refusal_of(call: Callable[[], object]) -> str:
    """Return what a CommandError says, or nothing; any other error is a failed test."""
    try:
        call()
    except CommandError as error:
        return str(error)
    return ""


@given(ANY_TEXT | ANY_TEXT.map("/{}".format))
@example("/buy BTC/USDT sNaN")
@example("/buy @")
@example("/getstatus @")
@example("/getstatus @:")
@example("/getstatus @a:b:c")
def test_any_line_is_a_command_or_a_command_error(line: str) -> None:
    refusal = refusal_of(lambda: parse_line(line))
    assert refusal.isprintable()
    if not refusal:
        parsed = parse_line(line)
        assert parse_line(parsed.line) == parsed


@given(
    st.sampled_from(sorted(VOCABULARY)),
    st.lists(ANY_TEXT | st.sampled_from(["ALL", "@all", "off", "1h", "20"]) | SYMBOLS, max_size=5),
)
def test_any_words_after_a_verb_are_arguments_or_a_command_error(
    verb: str, words: list[str]
) -> None:
    for read in [
        lambda: parse_line(f"/{verb} {' '.join(words)}").line,
        lambda: check_arguments(verb, words),
        lambda: legacy_text(verb, words),
        lambda: risk_of(verb, words),
        lambda: name_arguments(verb, words),
        lambda: needs_confirmation(verb, words),
    ]:
        assert refusal_of(read).isprintable()


@given(ANY_TEXT)
def test_any_verb_from_a_peer_is_known_or_a_command_error(verb: str) -> None:
    assert refusal_of(lambda: check_arguments(verb, ())).isprintable()


@given(commands())
def test_arguments_once_canonical_stay_as_they_are(command: tuple[str, list[str]]) -> None:
    verb, words = command
    refusal = refusal_of(lambda: check_arguments(verb, words))
    assume("cannot be given for ALL" not in refusal)
    assert not refusal
    canonical = check_arguments(verb, words)
    assert check_arguments(verb, canonical) == canonical
    assert name_arguments(verb, canonical) == name_arguments(verb, words)


@given(
    commands(),
    st.none() | st.sampled_from(["paper", "kraken-2"]),
    st.sampled_from(["", "main", "second_1"]),
    st.booleans(),
)
def test_a_parsed_command_survives_being_written_out(
    command: tuple[str, list[str]], bot: str | None, account: str, addressed: bool
) -> None:
    verb, words = command
    assume(not refusal_of(lambda: check_arguments(verb, words)))
    args = check_arguments(verb, words)
    row = VOCABULARY[verb]
    parsed = ParsedCommand(
        verb,
        args,
        bot if row.names_bot else None,
        "Some_bot" if addressed else None,
        account if row.names_account else "",
    )
    assert parse_line(parsed.line) == parsed


@given(AMOUNTS)
def test_amounts_keep_their_exact_value(amount: Decimal) -> None:
    read = read_amount(f"{amount:f}")
    assert Decimal(read) == amount
    assert read_amount(read) == read
    assert "E" not in read


@given(st.text("0123456789.,-+eEinfNa_٣²", max_size=8))
def test_an_amount_is_always_positive_and_finite(text: str) -> None:
    if refusal_of(lambda: read_amount(text)):
        return
    amount = Decimal(read_amount(text))
    assert amount.is_finite()
    assert amount > 0


@given(st.text("bTc-/:.0kſß", max_size=8) | SYMBOLS)
def test_a_symbol_is_ascii_upper_case_and_stays(text: str) -> None:
    if refusal_of(lambda: read_symbol(text)):
        return
    symbol = read_symbol(text)
    assert symbol.isascii()
    assert symbol == symbol.upper()
    assert read_symbol(symbol) == symbol


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("2H", 7200), ("7d", 604_800)]
)
def test_durations_are_read_in_their_units(text: str, seconds: int) -> None:
    assert read_duration_s(text) == seconds
