import logging
import re
from types import TracebackType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemonkit.log_lines import (
    TEXT_LENGTH_MAX,
    RedactingFormatter,
    format_line,
    message_text,
    timestamp_text,
)
from daemonkit.secrets import Secret

any_text = st.text(st.characters(categories=None), max_size=200)
RECORD_START = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z |unknown-time ")


def record(message: object, *arguments: object, **fields: object) -> logging.LogRecord:
    values = {
        "msg": message,
        "args": arguments,
        "levelname": "INFO",
        "name": "test",
        "created": 0.0,
        "threadName": "engine",
    }
    return logging.makeLogRecord(values | fields)


def raised(error: Exception) -> tuple[type[Exception], Exception, TracebackType | None]:
    with pytest.raises(type(error)) as caught:
        raise error
    return type(error), error, caught.tb


def test_a_line_has_time_level_logger_thread_and_message() -> None:
    line = RedactingFormatter().format(record("filled %s", "BTC/USDT", created=1795170573.1239))
    assert line == "2026-11-20T10:29:33.123Z INFO     test [engine]: filled BTC/USDT"


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1.9996, "1970-01-01T00:00:01.999Z"),
        (253402300799.9999, "9999-12-31T23:59:59.999Z"),
        (253402300800.0, "unknown-time"),
        (-0.001, "unknown-time"),
        (float("nan"), "unknown-time"),
        (float("inf"), "unknown-time"),
        (1e300, "unknown-time"),
    ],
)
def test_any_number_is_a_time_or_an_unknown_one(at: float, text: str) -> None:
    assert timestamp_text(at) == text


def test_a_forged_line_stands_out_by_its_indent() -> None:
    forged = "hello\n2026-11-20T10:29:33.123Z INFO     engine: sold everything\r\n\x1b[1A"
    lines = RedactingFormatter().format(record(forged)).split("\n")
    assert lines[1:] == [
        "    2026-11-20T10:29:33.123Z INFO     engine: sold everything\\x0d",
        "    \\x1b[1A",
    ]


@given(level=any_text, logger=any_text, text=any_text, at=st.floats())
def test_only_the_first_line_of_a_record_can_look_like_a_record(
    level: str, logger: str, text: str, at: float
) -> None:
    lines = format_line(at=at, level=level, logger=logger, text=text).split("\n")
    assert RECORD_START.match(lines[0])
    assert all(line.startswith("    ") for line in lines[1:])
    assert all(len(line.splitlines()) <= 1 for line in lines)


def test_a_traceback_is_indented_and_redacted() -> None:
    secret = Secret("correct horse")
    line = RedactingFormatter().format(record("broke", exc_info=raised(KeyError(secret.reveal()))))
    assert "\n    Traceback (most recent call last):\n" in line
    assert line.endswith("\n    KeyError: '[secret]'")


def test_a_call_with_wrong_arguments_is_still_a_line() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    assert "%d orders [TypeError while formatting" in message_text(record("%d orders", "x"))
    assert "%s [RuntimeError while formatting" in message_text(record("%s", Broken()))
    assert message_text(record(Broken())).startswith("Broken [RuntimeError while formatting")


def test_an_exception_that_cannot_be_shown_does_not_stop_the_line() -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    text = message_text(record("broke", exc_info=raised(BrokenError())))
    assert text.startswith("broke\n")
    assert "BrokenError" in text


def test_a_huge_message_keeps_its_start_and_its_end() -> None:
    text = message_text(record("start" + "x" * 1_000_000 + "end"))
    assert len(text) < TEXT_LENGTH_MAX + 100
    assert text.startswith("start")
    assert text.endswith("end")
    assert "characters left out" in text
