"""Forwarding of log lines: cheap for the caller, bounded, counted, and without secrets."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from itertools import count

import pytest

from daemonkit.clock import SystemClock
from daemonkit.secrets import Secret
from tcpproto import Log
from tests.waiting import wait_until
from trading.link.log_forward import (
    LINE_LEN_MAX,
    LogForward,
    LogForwardHandler,
    to_log,
)

_names = count()


class Wire:
    """Take lines, or refuse them, as a link does."""

    def __init__(self) -> None:
        self.lines: list[Log] = []
        self.is_open = True

    def forward(self, line: Log, _wait_s: float) -> bool:
        if self.is_open:
            self.lines.append(line)
        return self.is_open

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger(f"forwarded{next(_names)}")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger
    logger.handlers.clear()


def attach(logger: logging.Logger, wire: Wire, queue_len_max: int = 1_000) -> LogForward:
    handler = LogForwardHandler(logging.INFO, queue_len_max)
    logger.addHandler(handler)
    return LogForward(handler, wire.forward, clock=SystemClock())


def test_lines_arrive_in_order_with_level_logger_and_time(
    logger: logging.Logger, wire: Wire
) -> None:
    forward = attach(logger, wire)
    forward.start()
    logger.info("order id=%s price=%.2f", "x1", 1.5)
    logger.error("refused")
    forward.stop(5)
    assert [(line.level, line.text) for line in wire.lines] == [
        ("INFO", "order id=x1 price=1.50"),
        ("ERROR", "refused"),
    ]
    assert wire.lines[0].logger == logger.name
    assert wire.lines[0].at > 1_700_000_000


def test_lines_below_the_level_stay_here(logger: logging.Logger, wire: Wire) -> None:
    forward = attach(logger, wire)
    logger.debug("not wanted")
    forward.start()
    forward.stop(5)
    assert not wire.lines


def test_lines_from_before_the_link_was_up_are_sent_when_it_is(
    logger: logging.Logger, wire: Wire
) -> None:
    wire.is_open = False
    forward = attach(logger, wire)
    forward.start()
    for number in range(5):
        logger.info("early %d", number)
    wire.is_open = True
    wait_until(lambda: len(wire.lines) == 5, 5, "all lines")
    forward.stop(5)
    assert wire.texts == [f"early {number}" for number in range(5)]


def test_a_full_queue_drops_the_oldest_and_says_how_many(
    logger: logging.Logger, wire: Wire
) -> None:
    forward = attach(logger, wire, queue_len_max=10)
    for number in range(25):
        logger.info("line %d", number)
    assert forward.dropped == 15
    forward.start()
    forward.stop(5)
    assert wire.texts == [
        "15 log lines dropped here: more came than fit",
        *(f"line {number}" for number in range(15, 25)),
    ]
    assert wire.lines[0].level == "WARNING"


def test_many_threads_are_counted_exactly(logger: logging.Logger, wire: Wire) -> None:
    forward = attach(logger, wire, queue_len_max=100)

    def write_many() -> None:
        for _ in range(1_000):
            logger.info("x")

    threads = [threading.Thread(target=write_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert forward.dropped == 4_000 - 100


def test_a_stop_without_a_link_does_not_wait_for_one(logger: logging.Logger, wire: Wire) -> None:
    wire.is_open = False
    forward = attach(logger, wire)
    forward.start()
    for _ in range(500):
        logger.info("nobody hears this")
    forward.stop(5)
    assert not forward._thread.is_alive()
    assert forward.dropped == 500


def test_what_the_sending_threads_log_is_not_sent(logger: logging.Logger, wire: Wire) -> None:
    forward = attach(logger, wire)
    sending = threading.Thread(target=lambda: logger.error("cannot send"), name="tcp-send")
    sending.start()
    sending.join()
    logger.info("from elsewhere")
    forward.start()
    forward.stop(5)
    assert wire.texts == ["from elsewhere"]


def test_a_line_that_logs_when_it_is_sent_feeds_nothing(logger: logging.Logger, wire: Wire) -> None:
    handler = LogForwardHandler(logging.INFO, 100)
    logger.addHandler(handler)

    def forward_and_log(line: Log, wait_s: float) -> bool:
        logger.info("sending a line")
        return wire.forward(line, wait_s)

    forward = LogForward(handler, forward_and_log, clock=SystemClock())
    logger.info("the only one")
    forward.start()
    forward.stop(5)
    assert wire.texts == ["the only one"]


def test_a_fault_at_every_line_is_told_once_and_each_line_counted(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    handler = LogForwardHandler(logging.INFO, 1_000)
    logger.addHandler(handler)

    def break_down(_line: Log, _wait_s: float) -> bool:
        raise ZeroDivisionError("oops")

    forward = LogForward(handler, break_down, clock=SystemClock())
    for number in range(500):
        logger.info("line %d", number)
    forward.start()
    forward.stop(5)
    assert forward.dropped == 500
    told = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert told == ["a log line could not be forwarded"]


def test_arguments_are_those_of_the_moment_of_the_call(logger: logging.Logger, wire: Wire) -> None:
    forward = attach(logger, wire)
    position = {"qty": 1}
    logger.info("position %s", position)
    logger.info("position %(qty)s", position)
    logger.info("list %s", [1, 2])
    position["qty"] = 2
    forward.start()
    forward.stop(5)
    assert wire.texts == ["position {'qty': 1}", "position 1", "list [1, 2]"]


def test_a_call_with_wrong_arguments_is_a_line_and_no_error(
    logger: logging.Logger, wire: Wire
) -> None:
    forward = attach(logger, wire)
    for text, arguments in (("%s %s", ("one",)), ("%d", ([1],))):
        forward.handler.handle(
            logging.LogRecord("x", logging.INFO, "f.py", 1, text, arguments, None)
        )
    forward.start()
    forward.stop(5)
    assert len(wire.lines) == 2
    assert all("TypeError while formatting" in text for text in wire.texts)


def refuse(secret: Secret) -> None:
    raise RuntimeError(f"refused {secret.reveal()}")


def test_no_secret_leaves_whole_halved_or_in_a_traceback(
    logger: logging.Logger, wire: Wire
) -> None:
    secret = Secret("canary-7b1e5c0a-secret-value")
    forward = attach(logger, wire)
    logger.info("key %s", secret.reveal())
    logger.info("%s%s", "x" * (LINE_LEN_MAX - 10), secret.reveal())
    logger.info("https://api.telegram.org/bot123456789:AAaaBBbbCCccDDddEEeeFFffGGggHHhh_-1/getMe")
    try:
        refuse(secret)
    except RuntimeError:
        logger.exception("failed")
    forward.start()
    forward.stop(5)
    assert len(wire.lines) == 4
    text = "\n".join(wire.texts)
    assert "canary" not in text
    assert "AAaaBBbb" not in text
    assert "RuntimeError: refused [secret]" in text


def test_a_line_is_bounded_and_shows_its_control_characters(
    logger: logging.Logger, wire: Wire
) -> None:
    forward = attach(logger, wire)
    logger.info("y" * 50_000)
    logger.info("\x1b[2J red \r\x07")
    forward.start()
    forward.stop(5)
    assert len(wire.texts[0]) < LINE_LEN_MAX + 100
    assert wire.texts[0].endswith(f"[{50_000 - LINE_LEN_MAX} more characters]")
    assert wire.texts[1] == "\\x1b[2J red \\x0d\\x07"


def test_a_record_is_turned_into_a_line_without_touching_standard_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    record = logging.LogRecord("x" * 500, logging.INFO, "f.py", 1, "%s %s", ("a",), None)
    line = to_log(record)
    assert len(line.logger) == 256
    assert not errors.getvalue()
