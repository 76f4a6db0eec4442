"""What an ordinary user may not touch; root may touch everything, so it runs for others only."""

import os
from pathlib import Path

import pytest

from daemonkit.credentials import read_credential
from daemonkit.errors import ConfigurationError, StateError
from daemonkit.files import make_private_folder, read_private
from daemonkit.folder_lock import FolderLock
from daemonkit.logs import setup_logging
from daemonkit.yaml_reader import read_yaml
from tests.daemonkit_tests.example_schema import made_database, open_first

pytestmark = pytest.mark.skipif(os.geteuid() == 0, reason="root may touch everything")


@pytest.mark.parametrize("bits", [0o000, 0o400])
def test_a_database_that_may_not_be_written_is_refused(bits: int, tmp_path: Path) -> None:
    path = made_database(tmp_path)
    path.chmod(bits)
    with pytest.raises(StateError, match="Permission denied"):
        open_first(tmp_path)


def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    made_database(tmp_path)
    folder = tmp_path / "var"
    folder.chmod(0o500)
    with pytest.raises(StateError, match="Permission denied"):
        open_first(tmp_path)
    with pytest.raises(StateError, match="Permission denied"):
        FolderLock(folder / "bot.pid").acquire()
    with pytest.raises(StateError, match="Permission denied"):
        make_private_folder(folder / "logs")
    with pytest.raises(StateError, match="Permission denied"):
        setup_logging(level="INFO", file=folder / "x.log")
    folder.chmod(0o700)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("0123456789abcdef")
    path.chmod(0o000)
    with pytest.raises(ConfigurationError, match="secret: found Permission denied"):
        read_private(path)
    with pytest.raises(ConfigurationError, match="secret: found Permission denied"):
        read_yaml(path)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    with pytest.raises(ConfigurationError, match="secret: found Permission denied"):
        read_credential("secret", env_names=(), environ=environ)
