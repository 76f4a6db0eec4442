"""The console's parts on real pipes: order, cursor, slow and vanished readers."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from daemonkit.clock import ManualClock
from telegram.bridge.chat import Button
from telegram.bridge.console.chat import Console
from telegram.bridge.console.feed import CursorFeed
from telegram.bridge.console.format import encode_json, encode_text
from telegram.bridge.console.reader import ConsoleInput, InputTimes, read_piped_lines
from telegram.bridge.console.writer import POSTS_MAX, Post
from telegram.bridge.records import NewEvent
from telegram.bridge.store.database import Database
from telegram.bridge.store.events import EventTable
from telegram.bridge.store.settings import ChatCursorTable
from tests.bridge_tests.harness import NOW
from tests.waiting import wait_until


class Pipe:
    """A pipe to a console, read as far as the test wants."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()
        os.set_blocking(self.out, False)
        self.data = b""

    def read(self) -> str:
        try:
            while piece := os.read(self.out, 65_536):
                self.data += piece
        except BlockingIOError:
            pass
        return self.data.decode()

    def close_reader(self) -> None:
        os.close(self.out)
        self.out = -1

    def close(self) -> None:
        for descriptor in (self.out, self.into):
            if descriptor >= 0:
                os.close(descriptor)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "bridge.db")
    yield made
    made.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def _store(database: Database, texts: list[str]) -> None:
    table = EventTable(database)
    count = table.count()
    events = [
        NewEvent("paper", "epoch", count + number, "test", "info", {}, text, NOW)
        for number, text in enumerate(texts, 1)
    ]
    table.append(events, {("paper", "epoch"): count + len(texts)}, NOW)


def _console(database: Database, pipe: Pipe, first_message_id: int = 1) -> Console:
    feed = CursorFeed("console", EventTable(database), ChatCursorTable(database))
    return Console(
        descriptor=pipe.into,
        encode=encode_text,
        feed=feed,
        first_message_id=first_message_id,
        clock=ManualClock(wall=NOW),
    )


def test_events_are_shown_in_order_and_once_over_restarts(database: Database, pipe: Pipe) -> None:
    _store(database, ["one", "two"])
    first = _console(database, pipe)
    first.output.start()
    first.wake()
    wait_until(lambda: "two" in pipe.read(), 5.0, "both events")
    first.output.stop(2.0)
    _store(database, ["three"])
    second = _console(database, pipe)
    second.output.start()
    second.wake()
    wait_until(lambda: "three" in pipe.read(), 5.0, "the third")
    second.output.stop(2.0)
    assert pipe.read().splitlines() == [
        "#1 paper info: one",
        "#2 paper info: two",
        "#3 paper info: three",
    ]


def test_after_a_crash_at_most_one_event_comes_twice_and_is_marked(
    database: Database, pipe: Pipe
) -> None:
    _store(database, ["one", "two", "three"])
    cursors = ChatCursorTable(database)
    # As after a kill between the note and the writing, or between the writing and the next note.
    cursors.save("console", 1, 2)
    console = _console(database, pipe)
    console.output.start()
    console.wake()
    wait_until(lambda: "three" in pipe.read(), 5.0, "the events")
    console.output.stop(2.0)
    assert pipe.read().splitlines() == [
        "#2 paper info (perhaps shown before): two",
        "#3 paper info: three",
    ]
    assert cursors.read("console") == (3, 3)


def test_a_reader_that_reads_nothing_costs_replies_but_no_event(
    database: Database, pipe: Pipe
) -> None:
    console = _console(database, pipe)
    console.output.start()
    for number in range(POSTS_MAX + 2_000):
        console.send(f"reply {number} " + "x" * 50)
    _store(database, [f"event {number}" for number in range(200)])
    console.wake()
    wait_until(lambda: "event 199" in pipe.read(), 10.0, "the last event")
    console.output.stop(2.0)
    lines = pipe.read().splitlines()
    shown = [line.split(": ")[1] for line in lines if line.startswith("#")]
    assert shown == [f"event {number}" for number in range(200)]
    dropped = [line for line in lines if "messages dropped" in line]
    kept = sum(line.startswith("reply") for line in lines)
    lost = sum(int(line.split()[1].replace(",", "")) for line in dropped)
    assert lost > 0
    assert kept + lost == POSTS_MAX + 2_000


def test_a_reader_that_goes_away_harms_nothing_and_its_events_come_next_time(
    database: Database, pipe: Pipe
) -> None:
    console = _console(database, pipe)
    console.output.start()
    pipe.close_reader()
    _store(database, ["unseen"])
    console.wake()
    assert console.output.drain(5.0)
    console.send("into the void")
    assert console.output.drain(5.0)
    console.output.stop(1.0)
    again = Pipe()
    second = _console(database, again)
    second.output.start()
    second.wake()
    wait_until(lambda: "unseen" in again.read(), 5.0, "the event")
    second.output.stop(1.0)
    again.close()


def test_terminal_escapes_in_events_are_shown_and_not_obeyed(
    database: Database, pipe: Pipe
) -> None:
    _store(database, ["\x1b]0;owned\x07\x9b2J\u202e\r\n#99 paper info: forged"])
    console = _console(database, pipe)
    console.output.start()
    console.wake()
    wait_until(lambda: "forged" in pipe.read(), 5.0, "the event")
    console.output.stop(1.0)
    lines = pipe.read().splitlines()
    assert lines == [
        "#1 paper info: \\x1b]0;owned\\x07\\x9b2J\\u202e\\x0d",
        "  #99 paper info: forged",
    ]


def test_choices_are_numbered_for_people_and_listed_for_programs() -> None:
    post = Post(3, "which?", ("kraken", "paper", "Cancel"), "id-1")
    assert encode_text(post) == b"which?\n1) kraken  2) paper  3) Cancel\n"
    assert orjson.loads(encode_json(post)) == {
        "message_id": 3,
        "text": "which?",
        "buttons": ["kraken", "paper", "Cancel"],
        "command_id": "id-1",
    }


def test_an_edit_repeats_the_id_of_its_message(database: Database, pipe: Pipe) -> None:
    console = Console(
        descriptor=pipe.into,
        encode=encode_json,
        feed=CursorFeed("console", EventTable(database), ChatCursorTable(database)),
        first_message_id=7,
        clock=ManualClock(wall=NOW),
    )
    console.output.start()
    sent = console.send("[queued]", [[Button("Cancel", "n:0")]], command_id="c")
    console.edit(sent, "[applied]", command_id="c")
    assert console.output.drain(5.0)
    console.output.stop(1.0)
    first, second = (orjson.loads(line) for line in pipe.read().splitlines())
    assert (first["message_id"], first["buttons"]) == (7, ["Cancel"])
    assert (second["message_id"], second["text"], second["buttons"]) == (7, "[applied]", [])


class Listener:
    """What the console's reader hands on, settled when the test says so."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.settle: list[threading.Event] = []
        self.ended: list[bool] = []

    def say(self, line: str, settled: object) -> bool:
        assert callable(settled)
        self.said.append(line)
        self._settled = settled
        return True

    def settle_last(self) -> None:
        self._settled()


def _reader(listener: Listener, lines: Iterator[str], **times: float) -> ConsoleInput:
    there = threading.Event()
    reader = ConsoleInput(
        lines,
        say=listener.say,
        is_serial=True,
        times=InputTimes(**times),
        bot_is_there=there,
        on_last_line=lambda: None,
        on_end=listener.ended.append,
    )
    reader.start()
    return reader


def test_the_next_line_is_read_after_the_outcome_of_the_last() -> None:
    listener = Listener()
    _reader(listener, iter(["/one", "", "  ", "/two"]))
    wait_until(lambda: listener.said == ["/one"], 5.0, "the first line")
    assert listener.ended == []
    listener.settle_last()
    wait_until(lambda: listener.said == ["/one", "/two"], 5.0, "the second line")
    listener.settle_last()
    wait_until(lambda: listener.ended == [True], 5.0, "the end")


def test_between_an_outcome_and_the_next_line_is_a_moment() -> None:
    listener, moment_s = Listener(), 0.05
    _reader(listener, iter(["/buy", "/positions"]), moment_s=moment_s)
    wait_until(lambda: listener.said == ["/buy"], 5.0, "the first line")
    settled_at = time.monotonic()
    listener.settle_last()
    wait_until(lambda: len(listener.said) > 1, 5.0, "the second line")
    assert time.monotonic() - settled_at >= moment_s


def test_an_outcome_that_does_not_come_is_waited_for_so_long_and_no_longer() -> None:
    listener = Listener()
    _reader(listener, iter(["/one", "/two"]), outcome_s=0.05, end_s=0.05)
    wait_until(lambda: listener.ended == [True], 5.0, "the end")
    assert listener.said == ["/one", "/two"]


def test_without_a_bot_in_time_nothing_is_read() -> None:
    listener = Listener()
    _reader(listener, iter(["/one"]), bot_s=0.05)
    wait_until(lambda: listener.ended == [False], 5.0, "the end")
    assert listener.said == []


def test_lines_are_found_however_they_arrive_and_endless_ones_are_cut() -> None:
    out, into = os.pipe()
    pieces = [b"/pi", b"ng\n/he", b"lp\r\n\xff\xfe\n", b"x" * 200_000 + b"\nafter\nlast"]

    def write() -> None:
        for piece in pieces:
            left = memoryview(piece)
            while left:
                left = left[os.write(into, left) :]
        os.close(into)

    writer = threading.Thread(target=write)
    writer.start()
    lines = list(read_piped_lines(out))
    writer.join()
    os.close(out)
    assert lines[:3] == ["/ping", "/help\r", "\ufffd\ufffd"]
    assert [len(line) for line in lines[3:-2]] == [65_536]
    assert lines[-2:] == ["after", "last"]
