"""Where secrets come from: systemd's credentials, the environment, a private folder, then YAML."""

import logging
import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from daemonkit.errors import FOUND_EMPTY, ConfigurationError
from daemonkit.secrets import Secret

log = logging.getLogger(__name__)

_SIZE_MAX = 65_536
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def read_credential(
    name: str,
    *,
    env_names: Sequence[str],
    environ: Mapping[str, str],
    yaml_value: Secret | str | None = None,
    private_folder: Path | None = None,
) -> Secret | None:
    """Return the first value that is set: credential file, environment, private file, YAML value.

    The file of the private folder has the credential's name, and must be its owner's alone.
    """
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if folder and (from_file := _read_file(Path(folder), name)) is not None:
        return from_file
    for env_name in env_names:
        if value := environ.get(env_name, "").strip():
            return Secret(value)
    if private_folder is not None:
        from_file = _read_file(private_folder, name, is_private=True)
        if from_file is not None:
            return from_file
    if isinstance(yaml_value, str):
        yaml_value = Secret(yaml_value.strip())
    return yaml_value or None


def _read_file(folder: Path, name: str, *, is_private: bool = False) -> Secret | None:
    if not _NAME.fullmatch(name):
        raise ValueError("a credential's name is letters, digits, dots, dashes and underscores")
    path = folder / name
    try:
        with path.open("rb") as file:
            data = file.read(_SIZE_MAX + 1)
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        text = data.decode().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(path, found=reason, allowed="a readable file") from error
    except UnicodeDecodeError as error:
        # Not chained: the decoder's message quotes the bytes.
        raise ConfigurationError(
            path, found=f"a byte at {error.start} that is not UTF-8", allowed="text"
        ) from None
    if is_private and mode & (stat.S_IRWXG | stat.S_IRWXO):
        allowed = f"0600, its owner's alone: chmod 600 {path}"
        raise ConfigurationError(path, found=f"mode {mode:04o}", allowed=allowed)
    if mode & stat.S_IROTH:
        # No refusal: containers hand secrets over like this.
        log.warning("%s can be read by everybody: chmod 600 %s", path, path)
    if not text or len(data) > _SIZE_MAX:
        found = FOUND_EMPTY if not text else "a large file"
        raise ConfigurationError(path, found=found, allowed="a secret of at most 64 KiB")
    return Secret(text)
