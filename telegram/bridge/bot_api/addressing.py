"""Where a message goes, in the parameters that every sending call of the Bot API has."""

from typing import Any

from telegram.bridge.messenger import Place


def way_to(place: Place, *, silent: bool) -> dict[str, Any]:
    """Return chat, topic and loudness of a message."""
    return {
        "chat_id": place.chat_id,
        "message_thread_id": place.thread_id,
        "disable_notification": silent,
    }
