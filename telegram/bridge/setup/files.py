"""What the setup writes: telegram.yaml with people and chats, and the token if that is wanted.

The token is never in telegram.yaml, which people copy and show. Where it is kept is a folder as
systemd hands one to a service, so that the bridge finds it in the same way.
"""

import os
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from daemonkit.errors import ConfigurationError, UnavailableError
from daemonkit.files import file_error, make_private_folder, write_atomically
from daemonkit.secrets import Secret
from tcpproto.vocabulary import Role
from telegram.bridge.config import CONFIG_NAME, BridgeConfig
from telegram.bridge.messenger import Place

_COPIES_MAX = 100
TOKEN_FILE = "telegram_bot_token"  # noqa: S105 - a name, not a token
_HEADER = "# Written by ./run_telegram.sh setup; telegram.example.yaml shows every key.\n"


def config_path(config: BridgeConfig, root: Path) -> Path:
    """Return the file that is written: the one that was read, or the usual one in the root."""
    return config.file or root / CONFIG_NAME


def check_place(path: Path) -> None:
    """Refuse a place where nothing can be written, before anybody has been asked anything."""
    folder = path.absolute().parent
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise ConfigurationError(
            path, found="no folder that this user can write", allowed="a file in one of yours"
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """Hold a configuration as it would be written, beside what is there now."""

    path: Path
    old: bytes | None
    section: str
    text: str
    is_new: bool

    def save(self) -> Path | None:
        """Write it; return where its old form is kept, if there was one."""
        kept = None if self.old is None else _free_name(self.path)
        try:
            if kept is not None:
                write_atomically(kept, self.old or b"")
            write_atomically(self.path, (_HEADER + self.text).encode())
        except OSError as error:
            raise file_error(self.path, error) from error
        return kept


def draft_config(path: Path, user_id: int, chats: Sequence[Place]) -> Draft:
    """Add a person and chats to what a file says; all else that it says stays, but no comments."""
    try:
        old = path.read_bytes() if path.exists() else None
    except OSError as error:
        raise file_error(path, error) from error
    before = (None if old is None else yaml.safe_load(old)) or {}
    values = deepcopy(before)
    _add(values, user_id, chats)
    section = _dump({"telegram": {key: values["telegram"][key] for key in ("users", "chats")}})
    return Draft(path, old, section, _dump(values), is_new=values != before)


def save_token(config: BridgeConfig, token: Secret) -> Path:
    """Write the token into a private folder; return the folder."""
    folder = config.folder / "credentials"
    make_private_folder(folder)
    path = folder / TOKEN_FILE
    try:
        write_atomically(path, f"{token.reveal()}\n".encode())
    except OSError as error:
        raise file_error(path, error) from error
    return folder


def _dump(values: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    return text


def _free_name(path: Path) -> Path:
    """Return a name beside a file that nothing has: no copy is ever written over another."""
    numbers = ("", *(f"-{number}" for number in range(2, _COPIES_MAX + 1)))
    names = (path.with_name(f"{path.name}.before-setup{number}") for number in numbers)
    free = next((name for name in names if not name.exists()), None)
    if free is None:
        raise UnavailableError(f"{path}: {_COPIES_MAX} copies of it are kept already; move some")
    return free


def _add(values: dict[str, Any], user_id: int, chats: Sequence[Place]) -> None:
    section = values.get("telegram") or {}
    values["telegram"] = section
    users = section.get("users") or {}
    # Whoever is listed already keeps the role that they have.
    section["users"] = users if user_id in users else {user_id: Role.ADMIN.value, **users}
    listed: list[dict[str, Any]] = section.get("chats") or []
    known = {(one["id"], one.get("thread")) for one in listed}
    for place in chats:
        if (place.chat_id, place.thread_id) not in known:
            thread = {} if place.thread_id is None else {"thread": place.thread_id}
            listed.append({"id": place.chat_id, **thread})
    section["chats"] = listed
