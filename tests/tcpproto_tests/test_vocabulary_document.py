"""docs/commands.md says of every command what the vocabulary says."""

from pathlib import Path

import pytest

from tcpproto.vocabulary import ALIASES, MAX_AGE_S, VOCABULARY, Confirm, Place, Risk, Verb

DOCUMENT = Path(__file__).parents[2] / "docs" / "commands.md"


def row_of(verb: Verb) -> str:
    """Return the table row that the document must hold for a verb."""
    usage = verb.usage.replace("|", "\\|")
    confirmed = {
        Confirm.NEVER: "",
        Confirm.FOR_ALL: "ALL only",
        Confirm.ALWAYS: "yes",
        Confirm.FOR_BOOKINGS: "adopt, close",
        Confirm.IF_TRIPPED: "ALL, tripped limits",
        Confirm.IF_LATCHED: "if latched",
    }
    where = "bridge" if verb.place is Place.BRIDGE else "engine"
    now = "yes" if verb.available else "later"
    return (
        f"| `{usage}` | {verb.summary} | {verb.role} | {where} | {verb.risk} "
        f"| {confirmed[verb.confirm]} | {now} |"
    ).replace("|  |", "| |")


@pytest.fixture(scope="module")
def document() -> str:
    return DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(VOCABULARY))
def test_document_has_the_row_of_every_command(document: str, name: str) -> None:
    assert row_of(VOCABULARY[name]) in document.splitlines()


@pytest.mark.parametrize("name", sorted(VOCABULARY))
def test_document_shows_the_examples_of_every_command(document: str, name: str) -> None:
    for example in VOCABULARY[name].examples:
        assert f"`{example}`" in document


def test_document_has_no_row_for_a_command_that_is_not_there(document: str) -> None:
    rows = [line for line in document.splitlines() if line.startswith("| `/")]
    assert len(rows) == len(VOCABULARY)


def test_document_names_ages_and_aliases(document: str) -> None:
    for risk in Risk:
        assert f"| {risk} | {MAX_AGE_S[risk]:g} s |" in document
    for alias, name in ALIASES.items():
        assert f"`/{alias}` is `/{name}`" in document
