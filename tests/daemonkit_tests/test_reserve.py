import os
from pathlib import Path

from daemonkit.reserve import ReserveFile
from tests.small_filesystem import fill_up, read_only

SIZE = 1024 * 1024


def room(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def is_present(reserve: ReserveFile) -> bool:
    return reserve.is_present


def test_a_reserve_takes_real_room_and_gives_it_back(small_filesystem: Path) -> None:
    reserve = ReserveFile(small_filesystem / "reserve", SIZE)
    before = room(small_filesystem)
    assert not is_present(reserve)
    assert reserve.ensure()
    assert reserve.ensure()
    assert is_present(reserve)
    assert before - room(small_filesystem) >= SIZE
    assert (small_filesystem / "reserve").stat().st_mode & 0o777 == 0o600
    fill_up(small_filesystem)
    assert room(small_filesystem) == 0
    assert reserve.release()
    assert room(small_filesystem) >= SIZE
    assert not is_present(reserve)
    assert not reserve.release()


def test_a_reserve_that_does_not_fit_takes_no_room_at_all(small_filesystem: Path) -> None:
    filler = fill_up(small_filesystem, leave_bytes=SIZE // 2)
    reserve = ReserveFile(small_filesystem / "reserve", SIZE)
    assert not reserve.ensure()
    assert not (small_filesystem / "reserve").exists()
    filler.unlink()
    assert reserve.ensure()


def test_a_file_without_blocks_behind_it_is_no_reserve(small_filesystem: Path) -> None:
    path = small_filesystem / "reserve"
    with path.open("wb") as file:
        file.truncate(SIZE)
    reserve = ReserveFile(path, SIZE)
    assert not is_present(reserve)
    assert reserve.ensure()
    assert is_present(reserve)


def test_a_folder_that_cannot_be_written_has_no_reserve(small_filesystem: Path) -> None:
    with read_only(small_filesystem):
        assert not ReserveFile(small_filesystem / "reserve", SIZE).ensure()


def test_a_reserve_of_no_bytes_is_always_there_and_gives_nothing(tmp_path: Path) -> None:
    reserve = ReserveFile(tmp_path / "reserve", 0)
    assert reserve.ensure()
    assert is_present(reserve)
    assert not reserve.release()
    assert list(tmp_path.iterdir()) == []
