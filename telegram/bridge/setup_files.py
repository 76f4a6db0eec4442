"""What the setup writes: telegram.yaml with people and chats, and the token if that is wanted.

The token is never in telegram.yaml, which people copy and show. Where it is kept is a folder as
systemd hands one to a service, so that the bridge finds it in the same way.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from daemonkit.files import file_error, make_private_folder, write_atomically
from daemonkit.secrets import Secret
from tcpproto.vocabulary import Role
from telegram.bridge.config import CONFIG_NAME, ROOT, BridgeConfig
from telegram.bridge.messenger import Place

TOKEN_FILE = "telegram_bot_token"  # noqa: S105 - a name, not a token
_HEADER = "# Written by ./run_telegram.sh setup; telegram.example.yaml shows every key.\n"


def config_path(config: BridgeConfig) -> Path:
    """Return the file that is written: the one that was read, or the usual one."""
    return config.file or ROOT / CONFIG_NAME


def save_config(path: Path, user_id: int, chats: Sequence[Place]) -> Path | None:
    """Add a person and chats to the file; return where its old form is, if there was one.

    Everything else that the file says stays; its comments do not, so a copy is kept beside it.
    """
    try:
        old = path.read_bytes() if path.exists() else None
        values = (None if old is None else yaml.safe_load(old)) or {}
        kept = None
        if old is not None:
            kept = path.with_name(f"{path.name}.before-setup")
            write_atomically(kept, old)
        _add(values, user_id, chats)
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
        write_atomically(path, (_HEADER + text).encode())
    except OSError as error:
        raise file_error(path, error) from error
    return kept


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


def _add(values: dict[str, Any], user_id: int, chats: Sequence[Place]) -> None:
    section = values.get("telegram") or {}
    values["telegram"] = section
    section["users"] = {user_id: Role.ADMIN.value, **(section.get("users") or {})}
    listed: list[dict[str, Any]] = section.get("chats") or []
    known = {(one["id"], one.get("thread")) for one in listed}
    for place in chats:
        if (place.chat_id, place.thread_id) not in known:
            thread = {} if place.thread_id is None else {"thread": place.thread_id}
            listed.append({"id": place.chat_id, **thread})
    section["chats"] = listed
