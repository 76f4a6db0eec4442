"""A planted secret survives in no formatting that Python or the web knows."""

import html
import json
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote, quote_plus, urlencode

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from daemonkit.log_lines import RedactingFormatter
from daemonkit.printable import printable
from daemonkit.redaction import REDACTED, Redactor
from daemonkit.secrets import Secret, redact, redact_values

# Shorter ones are too common for a meaningful "does not occur".
secrets = st.text(st.characters(categories=None), min_size=8, max_size=60)
clean_secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=60)
surroundings = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)

FORMATTINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "repr": repr,
    "ascii": ascii,
    "in a list": lambda value: repr([value]),
    "in a dictionary": lambda value: str({"key": value}),
    "in an exception": lambda value: repr(ValueError(value)),
    "repr of a text that holds it": lambda value: repr(f'it\'s "{value}"'),
    "repr of a repr": lambda value: repr(repr([value])),
    "bytes": lambda value: repr(value.encode()),
    "json": lambda value: json.dumps({"key": value}),
    "json in unicode": lambda value: json.dumps([value], ensure_ascii=False),
    "orjson": lambda value: orjson.dumps([value]).decode(),
    "url": lambda value: "https://host/" + quote(value),
    "url part": lambda value: quote(value, safe=""),
    "form": lambda value: urlencode({"key": value}),
    "lower-case url": lambda value: (
        quote(value, safe="").replace("%3A", "%3a").replace("%2F", "%2f")
    ),
    "plus": quote_plus,
    "html": html.escape,
    "printable": printable,
    "printable repr": lambda value: printable(repr(value)),
    "backslashes": lambda value: value.encode("ascii", "backslashreplace").decode(),
}


@pytest.mark.parametrize("formatting", FORMATTINGS)
@given(value=clean_secrets, before=surroundings, after=surroundings)
def test_a_secret_survives_in_no_formatting(
    formatting: str, value: str, before: str, after: str
) -> None:
    shown = FORMATTINGS[formatting](value)
    redactor = Redactor()
    redactor.add(value)
    redacted = redactor.redact(f"{before}{shown}{after}")
    # What the text around it, or the mark itself, says by chance is no leak.
    assume(value not in before + REDACTED + after)
    assume(len(shown) >= 8)
    assert value not in redacted
    assert shown.strip("'\"") not in redacted


@given(value=secrets, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_secret_never_passes_the_formatter(value: str, before: str, after: str) -> None:
    secret = Secret(value)
    assume(value.strip() and value not in before + after + REDACTED)
    assume(len(value.strip()) >= 6)
    record = logging.makeLogRecord(
        {"msg": f"{before}%s and %r{after}", "args": (secret.reveal(), secret.reveal())}
    )
    record.msg = record.msg if "%" not in before + after else "%s and %r"
    # The time and the level of the line are not the secret's doing.
    line = RedactingFormatter().format(record).partition(": ")[2]
    assert value not in line
    assert printable(value) not in line


@given(
    st.lists(st.text("abcxyz", min_size=6, max_size=9), max_size=5), st.text("abcxyz", max_size=40)
)
def test_of_many_overlapping_secrets_none_is_left(values: list[str], text: str) -> None:
    redactor = Redactor()
    for value in values:
        redactor.add(value)
    redacted = redactor.redact(text)
    assert not [value for value in values if value in redacted]
    assert redacted.replace(REDACTED, "") in text or REDACTED in redacted


PLANTED = "s3cr3t-Value/with+odd=chars"
TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
# Halves too: two neighbours must not pass for one secret, nor hide one.
pieces = st.sampled_from(
    [
        *(PLANTED, f"a {PLANTED} b", PLANTED[:14], PLANTED[14:], TOKEN, TOKEN[:9], TOKEN[9:]),
        *("postgres://user:pass-word@host/db", "://user:", "pass@", "", "filled", "\n", "12"),
    ]
)
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | pieces
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4).map(MappingProxyType)
    ),
    max_leaves=12,
)


def redacted_one_by_one(value: object) -> object:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redacted_one_by_one(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_one_by_one(item) for item in value]
    return value


@given(value=values)
def test_values_are_redacted_as_each_of_their_texts_is(value: object) -> None:
    secret = Secret(PLANTED)
    found = redact_values(value)
    assert found == redacted_one_by_one(value)
    assert json.loads(orjson.dumps(found)) == json.loads(json.dumps(found))
    assert secret
