import os
from pathlib import Path

import pytest

from daemonkit.errors import ConfigurationError, StateError, UnavailableError
from daemonkit.files import (
    create_private_once,
    make_private_folder,
    read_private,
    write_atomically,
)
from tests.daemonkit_tests.programs import start_program
from tests.small_filesystem import fill_up, read_only

SECRET = b"0123456789abcdef"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_file_is_replaced_whole_with_the_mode_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new", mode=0o644, durable=False)
    assert path.read_bytes() == b"new"
    assert mode(path) == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    (tmp_path / "state.json").symlink_to("precious")
    write_atomically(tmp_path / "state.json", b"new")
    assert (tmp_path / "precious").read_text() == "keep"
    assert not (tmp_path / "state.json").is_symlink()


def test_a_full_disk_leaves_the_old_file_and_nothing_else(small_filesystem: Path) -> None:
    path = small_filesystem / "state.json"
    write_atomically(path, b"old")
    fill_up(small_filesystem)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"x" * 100_000)
    assert path.read_bytes() == b"old"
    assert {each.name for each in small_filesystem.iterdir()} == {"state.json", "filler"}


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "var" / "link.secret"
    assert create_private_once(path, lambda: SECRET) == SECRET
    assert create_private_once(path, lambda: b"another") == SECRET
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["link.secret"]


def test_of_many_processes_at_once_exactly_one_makes_the_secret(tmp_path: Path) -> None:
    source = """
import os, sys
from pathlib import Path
from daemonkit.files import create_private_once
print("ready", flush=True)
sys.stdin.readline()
print(create_private_once(Path(sys.argv[1]), lambda: b"%d" % os.getpid()).decode())
"""
    for number in range(3):
        programs = [start_program(source, str(tmp_path / f"secret-{number}")) for _ in range(4)]
        outputs = []
        for program in programs:
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n"
        for program in programs:
            assert program.stdin is not None
            program.stdin.write("go\n")
            program.stdin.flush()
        for program in programs:
            output, errors = program.communicate(timeout=20)
            assert program.returncode == 0, errors
            outputs.append(output)
        assert len(set(outputs)) == 1
        assert int(outputs[0]) in [program.pid for program in programs]


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o644, 0o777, 0o620])
def test_a_secret_that_others_can_touch_is_refused(bits: int, tmp_path: Path) -> None:
    path = tmp_path / "link.secret"
    path.write_bytes(SECRET)
    path.chmod(bits)
    with pytest.raises(ConfigurationError) as caught:
        create_private_once(path, lambda: b"new")
    assert str(caught.value) == (
        f"{path}: permissions: found {bits:04o}, allowed 0600 (chmod 600 {path})"
    )


def test_what_is_no_private_file_is_refused(tmp_path: Path) -> None:
    real = tmp_path / "real"
    create_private_once(real, lambda: SECRET)
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "empty").touch(mode=0o600)
    (tmp_path / "large").touch(mode=0o600)
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    for name, found in {
        "link": "found a symbolic link",
        "folder": "found a folder or a device",
        "pipe": "found a folder or a device",
        "empty": "found an empty file",
        "large": "found a large file",
    }.items():
        with pytest.raises(ConfigurationError, match=found):
            read_private(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_private(tmp_path / "none")


def test_a_secret_that_finds_no_room_leaves_nothing_behind(small_filesystem: Path) -> None:
    filler = fill_up(small_filesystem)
    with pytest.raises(UnavailableError, match="no room is left on the disk"):
        create_private_once(small_filesystem / "link.secret", lambda: SECRET)
    filler.unlink()
    assert list(small_filesystem.iterdir()) == []


def test_a_folder_is_made_for_this_user_only(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    make_private_folder(tmp_path / "a" / "b")
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700


def test_a_folder_that_cannot_be_used_says_why(small_filesystem: Path) -> None:
    (small_filesystem / "file").touch()
    for path, reason in {
        small_filesystem / "file": "Not a directory",
        small_filesystem / "file" / "below": "Not a directory",
    }.items():
        with pytest.raises(StateError, match=reason):
            make_private_folder(path)
    with read_only(small_filesystem):
        for path in (small_filesystem, small_filesystem / "new"):
            with pytest.raises(StateError, match="Read-only file system"):
                make_private_folder(path)
