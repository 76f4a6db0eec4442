from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemonkit.log_file import RotatingFile
from tests.small_filesystem import fill_up, read_only


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_a_full_file_moves_on_and_the_oldest_goes(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "x.log", max_bytes=12, backups=2)
    for number in range(5):
        assert file.write(f"line {number}\n", at=number)
    file.close()
    assert contents(tmp_path) == {
        "x.log": "line 4\n",
        "x.log.1": "line 3\n",
        "x.log.2": "line 2\n",
    }


def test_without_backups_a_full_file_starts_again(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "x.log", max_bytes=12, backups=0)
    for number in range(5):
        file.write(f"line {number}\n", at=number)
    file.close()
    assert contents(tmp_path) == {"x.log": "line 4\n"}


def test_a_line_longer_than_the_limit_is_written_whole(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "x.log", max_bytes=5, backups=1)
    assert file.write("longer than that\n", at=0)
    assert file.write("and again\n", at=0)
    file.close()
    assert contents(tmp_path) == {"x.log": "and again\n", "x.log.1": "longer than that\n"}


def test_a_batch_longer_than_the_limit_is_spread_over_files(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "x.log", max_bytes=21, backups=3)
    assert file.write("before\n", at=0)
    assert file.write("".join(f"line {number}\n" for number in range(8)), at=0)
    file.close()
    assert contents(tmp_path) == {
        "x.log": "line 6\nline 7\n",
        "x.log.1": "line 3\nline 4\nline 5\n",
        "x.log.2": "line 0\nline 1\nline 2\n",
        "x.log.3": "before\n",
    }


def test_an_existing_file_is_continued(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("before\n")
    file = RotatingFile(tmp_path / "x.log", max_bytes=100, backups=1)
    file.write("after\n", at=0)
    file.close()
    assert contents(tmp_path) == {"x.log": "before\nafter\n"}


def test_a_file_that_was_moved_away_is_made_anew_within_a_second(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "x.log", max_bytes=100, backups=1)
    file.write("one\n", at=10.0)
    (tmp_path / "x.log").rename(tmp_path / "moved")
    file.write("two\n", at=10.5)
    file.write("three\n", at=11.6)
    file.close()
    assert contents(tmp_path) == {"moved": "one\ntwo\n", "x.log": "three\n"}


def test_what_does_not_fit_on_the_disk_is_counted_and_said_later(small_filesystem: Path) -> None:
    file = RotatingFile(small_filesystem / "x.log", max_bytes=10**9, backups=1)
    assert file.write("before\n", at=0)
    filler = fill_up(small_filesystem)
    lost = [number for number in range(2000) if not file.write(f"line {number}\n", at=1)]
    assert lost, "the disk was not full"
    assert file.lost_total == len(lost)
    filler.unlink()
    assert file.write("after\n", at=2)
    file.close()
    lines = (small_filesystem / "x.log").read_text().splitlines()
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert lines[-2].endswith(f"{len(lost)} log lines were lost here: No space left on device")
    written = {line for line in lines if line.startswith("line ")}
    assert not written & {f"line {number}" for number in lost}


def test_a_batch_that_fits_in_part_loses_the_rest_of_its_lines_only(small_filesystem: Path) -> None:
    file = RotatingFile(small_filesystem / "x.log", max_bytes=10**9, backups=1)
    fill_up(small_filesystem, leave_bytes=8192)
    batch = [f"line {number:04}\n" for number in range(2000)]
    assert not file.write("".join(batch), at=0)
    (small_filesystem / "filler").unlink()
    file.write("after\n", at=1)
    file.close()
    whole = [
        line
        for line in (small_filesystem / "x.log").read_text().splitlines(keepends=True)
        if line in batch
    ]
    assert whole
    assert len(whole) + file.lost_total == len(batch)


def test_a_folder_that_vanished_costs_lines_and_no_exception(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    file = RotatingFile(folder / "x.log", max_bytes=1000, backups=1)
    file.write("one\n", at=0)
    (folder / "x.log").unlink()
    folder.rmdir()
    assert not file.write("two\nthree\n", at=5)
    folder.mkdir()
    assert file.write("four\n", at=10)
    file.close()
    first, second = (folder / "x.log").read_text().splitlines()
    assert first.endswith("2 log lines were lost here: No such file or directory")
    assert second == "four"


def test_a_folder_that_refuses_new_names_lets_the_file_grow_to_twice_its_size_only(
    small_filesystem: Path,
) -> None:
    file = RotatingFile(small_filesystem / "x.log", max_bytes=30, backups=1)
    (small_filesystem / "x.log.1").mkdir()
    (small_filesystem / "x.log.1" / "in the way").touch()
    for number in range(20):
        file.write(f"line {number:03}\n", at=number)
    assert (small_filesystem / "x.log").stat().st_size <= 80
    assert file.lost_total > 10
    file.close()


def test_a_file_system_that_turns_read_only_costs_lines_and_no_exception(
    small_filesystem: Path,
) -> None:
    file = RotatingFile(small_filesystem / "x.log", max_bytes=1000, backups=1)
    file.write("one\n", at=0)
    file.close()
    with read_only(small_filesystem):
        assert not file.write("two\n", at=1)
    assert file.write("three\n", at=2)
    file.close()
    assert (
        "1 log lines were lost here: Read-only file system"
        in (small_filesystem / "x.log").read_text()
    )


def test_opening_a_file_tells_a_start_that_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        RotatingFile(tmp_path / "none" / "x.log", max_bytes=1, backups=1).open()


@given(
    st.lists(st.integers(0, 40), max_size=40),
    st.integers(1, 60),
    st.integers(0, 3),
    st.integers(1, 20),
)
def test_rotation_keeps_the_last_lines_in_order(
    sizes: list[int], max_bytes: int, backups: int, at_once: int
) -> None:
    lines = [f"{number}:{'x' * size}\n" for number, size in enumerate(sizes)]
    with TemporaryDirectory() as name:
        folder = Path(name)
        file = RotatingFile(folder / "x.log", max_bytes=max_bytes, backups=backups)
        for first in range(0, len(lines), at_once):
            assert file.write("".join(lines[first : first + at_once]), at=0)
        file.close()
        found = contents(folder)
    assert all(len(text) <= max_bytes or text.count("\n") == 1 for text in found.values())
    names = [f"x.log.{number}" for number in range(backups, 0, -1)] + ["x.log"]
    assert set(found) <= set(names)
    kept = "".join(found.get(name, "") for name in names)
    assert "".join(lines).endswith(kept)
    assert not lines or kept.endswith(lines[-1])
