"""What of a batch of updates can be read: one that is odd must not hide all that come after it."""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

log = logging.getLogger(__name__)

Update = dict[str, Any]


def readable_updates(batch: Sequence[object], read: Callable[[Update], object]) -> list[Update]:
    """Return the updates, those that `read` cannot take without anything but their number."""
    return [_readable(each, read) for each in batch if isinstance(each, dict) and _has_id(each)]


def _has_id(update: Update) -> bool:
    return type(update.get("update_id")) is int


def _readable(update: Update, read: Callable[[Update], object]) -> Update:
    try:
        # A copy of its own: reading takes things apart.
        read(json.loads(json.dumps(update)))
    except Exception as error:  # noqa: BLE001 - odd values raise anything in the library
        log.warning("update %d cannot be read: %s", update["update_id"], type(error).__name__)
        return {"update_id": update["update_id"]}
    return update
