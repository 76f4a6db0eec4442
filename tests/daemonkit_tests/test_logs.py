import asyncio
import logging
import re
import threading
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from daemonkit.errors import StateError
from daemonkit.logs import (
    LogWriter,
    flush_logs,
    freeze,
    install_exception_hooks,
    log_asyncio_exception,
    setup_logging,
)
from tests.small_filesystem import fill_up, read_only
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("own_logging")


class Memory:
    """A sink that keeps what it gets, and can be held up."""

    def __init__(self) -> None:
        self.text = ""
        self.lost_total = 0
        self.gate = threading.Event()
        self.gate.set()

    def write(self, text: str, at: float) -> bool:  # noqa: ARG002 - as a Sink
        self.gate.wait(10)
        self.text += text
        return True

    def close(self) -> None:
        self.gate.set()


def logger_into(writer: LogWriter) -> logging.Logger:
    logger = logging.getLogger("story")
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger().addHandler(writer)
    return logger


def test_records_reach_the_file_in_order_and_whole(tmp_path: Path) -> None:
    setup_logging(level="DEBUG", file=tmp_path / "logs" / "x.log", stderr=False)
    for number in range(1000):
        logging.getLogger("story").debug("line %d", number)
    flush_logs()
    lines = (tmp_path / "logs" / "x.log").read_text().splitlines()
    assert [line.split(": ")[1] for line in lines] == [f"line {n}" for n in range(1000)]


def test_setting_up_again_changes_level_and_file_and_leaves_no_thread(tmp_path: Path) -> None:
    setup_logging(level="DEBUG", file=tmp_path / "one.log", stderr=False)
    logging.getLogger("story").debug("first")
    setup_logging(level="WARNING", file=tmp_path / "two.log", stderr=False)
    logging.getLogger("story").info("too quiet")
    logging.getLogger("story").warning("second")
    flush_logs()
    assert "first" in (tmp_path / "one.log").read_text()
    assert (tmp_path / "two.log").read_text().count("\n") == 1
    writers = [each for each in threading.enumerate() if each.name == "log-write"]
    assert len(writers) == 1


def test_libraries_that_write_urls_with_tokens_are_kept_quiet(tmp_path: Path) -> None:
    setup_logging(level="DEBUG", file=tmp_path / "x.log", stderr=False)
    for name in ("httpx", "httpcore.connection", "hpack.hpack", "h2", "alembic.runtime.plugins"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)


def test_warnings_go_to_the_log(tmp_path: Path) -> None:
    setup_logging(level="INFO", file=tmp_path / "x.log", stderr=False)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old habits", UserWarning, stacklevel=1)
    flush_logs()
    assert "old habits" in (tmp_path / "x.log").read_text()


def test_a_caller_never_waits_for_a_stuck_sink_and_the_drops_are_said() -> None:
    sink = Memory()
    writer = LogWriter([sink], queue_max=10)
    logger = logger_into(writer)
    sink.gate.clear()
    for number in range(500):
        logger.info("line %d", number)
    dropped = writer.dropped_total
    assert dropped >= 400
    assert writer.lost_total == dropped
    sink.gate.set()
    wait_until(lambda: "line" in sink.text, 5, "the sink to go on")
    writer.flush()
    logger.info("after")
    writer.close()
    said = sum(map(int, re.findall(r"(\d+) log lines were dropped here", sink.text)))
    assert said == writer.dropped_total == dropped
    assert sink.text.rstrip().endswith("after")


def test_what_is_queued_is_written_before_the_end() -> None:
    sink = Memory()
    writer = LogWriter([sink])
    logger = logger_into(writer)
    for number in range(500):
        logger.info("line %d", number)
    writer.close()
    writer.close()
    assert sink.text.count("\n") == 500
    logger.info("too late")
    assert writer.dropped_total == 1


def test_a_sink_that_breaks_its_promise_does_not_end_the_thread() -> None:
    class Broken(Memory):
        def write(self, text: str, at: float) -> bool:
            if "bad" in text:
                raise RuntimeError("no")
            return super().write(text, at)

    sink = Broken()
    writer = LogWriter([sink])
    logger = logger_into(writer)
    logger.info("bad")
    writer.flush()
    logger.info("good")
    writer.close()
    assert "good" in sink.text
    assert "1 log lines were dropped here" in sink.text


def test_arguments_that_change_later_show_what_they_were() -> None:
    sink = Memory()
    writer = LogWriter([sink])
    sink.gate.clear()
    book = {"BTC": 1}
    logger_into(writer).info("book %s", book)
    book["BTC"] = 2
    sink.gate.set()
    writer.close()
    assert "book {'BTC': 1}" in sink.text


@pytest.mark.parametrize("arguments", [(), (1, "x", 2.5, None, True, Decimal(1), b"")])
def test_arguments_that_cannot_change_are_formatted_by_the_writer(
    arguments: tuple[object, ...],
) -> None:
    record = logging.makeLogRecord({"msg": "text", "args": arguments})
    freeze(record)
    assert record.args == arguments


def test_a_full_disk_costs_lines_and_no_caller_notices(small_filesystem: Path) -> None:
    path = small_filesystem / "logs" / "x.log"
    writer = setup_logging(level="INFO", file=path, stderr=False)
    log = logging.getLogger("story")
    log.info("before")
    flush_logs()
    filler = fill_up(small_filesystem)
    for number in range(300):
        log.info("line %d %s", number, "x" * 100)
    flush_logs()
    assert writer.lost_total > 0
    filler.unlink()
    log.info("after")
    flush_logs()
    lines = path.read_text().splitlines()
    assert "before" in lines[0]
    assert "log lines were lost here: No space left on device" in lines[-2]
    assert lines[-1].endswith("after")


def test_a_full_disk_at_the_start_is_no_reason_not_to_start(small_filesystem: Path) -> None:
    filler = fill_up(small_filesystem)
    path = small_filesystem / "logs" / "x.log"
    writer = setup_logging(level="INFO", file=path, stderr=False)
    log = logging.getLogger("story")
    log.info("lost")
    flush_logs()
    filler.unlink()
    log.info("found")
    flush_logs()
    assert path.exists() or writer.lost_total


def test_a_file_that_may_not_be_written_ends_the_start(small_filesystem: Path) -> None:
    with read_only(small_filesystem), pytest.raises(StateError, match="Read-only file system"):
        setup_logging(level="INFO", file=small_filesystem / "x.log", stderr=False)


def test_an_uncaught_exception_of_a_thread_is_in_the_log(tmp_path: Path) -> None:
    setup_logging(level="INFO", file=tmp_path / "x.log", stderr=False)
    thread = threading.Thread(target=lambda: int("x"), name="feed-kraken")
    thread.start()
    thread.join()
    flush_logs()
    text = (tmp_path / "x.log").read_text()
    assert "thread feed-kraken ended on an uncaught exception" in text
    assert "\n    ValueError: invalid literal" in text


def test_an_exception_in_a_finaliser_is_in_the_log(tmp_path: Path) -> None:
    class Fragile:
        def __del__(self) -> None:
            raise ValueError("in the finaliser")

    setup_logging(level="INFO", file=tmp_path / "x.log", stderr=False)
    Fragile().__class__()
    flush_logs()
    assert "ValueError: in the finaliser" in (tmp_path / "x.log").read_text()


def test_an_exception_that_asyncio_caught_is_in_the_log(tmp_path: Path) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(log_asyncio_exception)
        loop.call_soon(lambda: int("x"))
        await asyncio.sleep(0)
        context: dict[str, Any] = {"message": "without an exception"}
        loop.call_exception_handler(context)

    setup_logging(level="INFO", file=tmp_path / "x.log", stderr=False)
    asyncio.run(story())
    flush_logs()
    text = (tmp_path / "x.log").read_text()
    assert "ValueError: invalid literal" in text
    assert "asyncio: without an exception" in text


def test_a_thread_that_asks_to_exit_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    install_exception_hooks()

    def leave() -> None:
        raise SystemExit(3)

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    assert capsys.readouterr().err == ""
