"""`run_telegram.sh backup FILE` and `restore FILE`: copies of bridge.db, taken and put back."""

import sys
from pathlib import Path

from daemonkit.folder_lock import FolderLock
from daemonkit.storage.backup import backup_database, restore_database
from telegram.bridge.config import BridgeConfig
from telegram.bridge.store.database import KIND


def back_up(config: BridgeConfig, target: Path) -> None:
    """Copy the database, also while the bridge runs."""
    backup_database(config.database, target, kind=KIND)
    _say(f"{config.database} is copied to {target}")


def restore(config: BridgeConfig, backup: Path) -> None:
    """Put a copy in the database's place; the bridge must not run."""
    with FolderLock(config.folder / "lock"):
        aside = restore_database(backup, config.database, kind=KIND)
    kept = f"; what was there is kept as {aside}" if aside is not None else ""
    _say(f"{config.database} is restored from {backup}{kept}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
