"""The mark and the evidence: what one run leaves, the next one reads, and nobody else can forge."""

import json
from pathlib import Path

import pytest

from trading.guard.evidence import forget_frozen, take_frozen, write_frozen
from trading.guard.running_mark import MARK_NAME, MarkLeft, RunningMark, read_mark
from trading.strategies.calls import FrozenCall

NAMES = ("ema-btc", "sma-éth")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "paper"
    path.mkdir()
    return path


@pytest.fixture(params=["memory", "no memory"])
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A machine with and one without a place for files in its memory."""
    path = tmp_path / "memory"
    if request.param == "memory":
        path.mkdir()
    return path


def test_the_next_run_reads_which_instance_was_being_called(folder: Path, memory: Path) -> None:
    mark = RunningMark.make(folder, NAMES, memory)
    assert read_mark(folder, memory) == MarkLeft("", is_frozen=False)
    mark.cells[0] = 2
    assert read_mark(folder, memory) == MarkLeft("sma-éth", is_frozen=False)
    mark.give_up()
    assert read_mark(folder, memory) == MarkLeft("sma-éth", is_frozen=True)


def test_a_new_run_begins_with_a_clean_mark(folder: Path, memory: Path) -> None:
    RunningMark.make(folder, NAMES, memory).give_up()
    RunningMark.make(folder, ("a",), memory)
    assert read_mark(folder, memory) == MarkLeft("", is_frozen=False)


def test_a_run_that_ends_as_it_should_leaves_no_mark(folder: Path, memory: Path) -> None:
    mark = RunningMark.make(folder, NAMES, memory)
    mark.close()
    assert read_mark(folder, memory) is None
    # An engine that is late may still store into it.
    mark.cells[0] = 1


def test_bots_of_two_folders_have_two_marks(tmp_path: Path, folder: Path, memory: Path) -> None:
    other = tmp_path / "live"
    other.mkdir()
    RunningMark.make(folder, NAMES, memory).cells[0] = 1
    RunningMark.make(other, NAMES, memory)
    assert read_mark(folder, memory) == MarkLeft("ema-btc", is_frozen=False)


def test_a_number_that_has_no_instance_blames_nobody(folder: Path, memory: Path) -> None:
    mark = RunningMark.make(folder, (), memory)
    mark.cells[0] = 9
    assert read_mark(folder, memory) == MarkLeft("", is_frozen=False)
    assert mark.name_of(9) == "number 9"


def test_marks_of_folders_that_are_gone_are_swept_away(tmp_path: Path, folder: Path) -> None:
    memory = tmp_path / "shm"
    memory.mkdir()
    gone = tmp_path / "gone"
    gone.mkdir()
    RunningMark.make(gone, NAMES, memory)
    gone.rmdir()
    RunningMark.make(folder, NAMES, memory)
    assert len(list(memory.iterdir())) == 1


def test_a_mark_that_others_may_write_is_not_believed(tmp_path: Path, folder: Path) -> None:
    memory = tmp_path / "shm"
    memory.mkdir()
    RunningMark.make(folder, NAMES, memory).give_up()
    (path,) = memory.iterdir()
    path.chmod(0o666)
    assert read_mark(folder, memory) is None
    # And a new run takes its own folder instead.
    RunningMark.make(folder, NAMES, memory)
    assert (folder / MARK_NAME).exists()


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 8, b"\1\0\0\0" * 2 + b"TBMARK1\n{", b"garbage" * 9, b"\0" * 8 + b"TBMARK1\n{}"],
)
def test_a_damaged_mark_is_no_mark(tmp_path: Path, folder: Path, data: bytes) -> None:
    path = folder / MARK_NAME
    path.write_bytes(data)
    path.chmod(0o600)
    assert read_mark(folder, tmp_path / "none") is None


def test_a_guard_that_could_not_write_anything_is_heard_all_the_same(
    folder: Path, memory: Path
) -> None:
    mark = RunningMark.make(folder, NAMES, memory)
    mark.cells[0] = 1
    mark.give_up()
    frozen = take_frozen(folder, memory)
    assert frozen is not None
    assert frozen.instance == "ema-btc"
    assert take_frozen(folder, memory) == frozen
    forget_frozen(folder)
    assert take_frozen(folder, memory) is None


def test_a_first_start_finds_nothing(folder: Path, memory: Path) -> None:
    assert take_frozen(folder, memory) is None
    forget_frozen(folder)


def test_the_stacks_of_the_last_freeze_are_kept_beside_the_logs(folder: Path, memory: Path) -> None:
    logs = folder / "logs"
    logs.mkdir()
    (logs / "frozen.trace").write_text("Fatal Python error: Aborted\n\nThread 0x1\n")
    RunningMark.make(folder, NAMES, memory).cells[0] = 2
    frozen = take_frozen(folder, memory)
    assert frozen is not None
    assert (frozen.instance, frozen.cause) == (
        "sma-éth",
        "it stood still and was aborted by the watchdog",
    )
    assert frozen.at == pytest.approx((logs / "frozen.last.trace").stat().st_mtime)
    assert not (logs / "frozen.trace").exists()


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"instance": "a", "cause": "b", "at": []}'])
def test_a_damaged_record_is_passed_over(
    folder: Path, memory: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "frozen.json").write_bytes(data)
    assert take_frozen(folder, memory) is None
    assert "cannot be read and is passed over" in caplog.text


def test_the_record_is_readable_for_people(folder: Path) -> None:
    write_frozen(folder, FrozenCall("ema-btc", "a call took longer than 10 s", 5.5))
    assert json.loads((folder / "frozen.json").read_bytes()) == {
        "instance": "ema-btc",
        "cause": "a call took longer than 10 s",
        "at": 5.5,
    }
