"""What the Bot API answers when it refuses: status, wording and parameters, to the letter."""

from collections.abc import Mapping
from typing import Final

CHAT_NOT_FOUND: Final = "chat not found"
NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
QUERY_TOO_OLD: Final = "query is too old and response timeout expired or query ID is invalid"
TAKEN_OVER: Final = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
WEBHOOK_IS_SET: Final = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
TERMINATED_BY_WEBHOOK: Final = "Conflict: terminated by setWebhook request"


class RefusalError(Exception):
    """Carry an answer other than `ok`."""

    def __init__(
        self, status: int, description: str, parameters: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(f"{status} {description}")
        self.status = status
        self.description = description
        self.parameters = parameters

    def to_json(self) -> dict[str, object]:
        """Return the body as the API writes it."""
        body: dict[str, object] = {
            "ok": False,
            "error_code": self.status,
            "description": self.description,
        }
        if self.parameters:
            body["parameters"] = dict(self.parameters)
        return body


def bad_request(what: str, parameters: Mapping[str, int] | None = None) -> RefusalError:
    """Build the answer to a request that is wrong in itself."""
    return RefusalError(400, f"Bad Request: {what}", parameters)


def forbidden(what: str) -> RefusalError:
    """Build the answer to a bot that may not do this here."""
    return RefusalError(403, f"Forbidden: {what}")


def too_many_requests(retry_after_s: int) -> RefusalError:
    """Build the answer to a bot that asks too often."""
    return RefusalError(
        429, f"Too Many Requests: retry after {retry_after_s}", {"retry_after": retry_after_s}
    )


def not_modified() -> RefusalError:
    """Build the answer to an edit that changes nothing."""
    return bad_request(NOT_MODIFIED)


def migrated(chat_id: int) -> RefusalError:
    """Build the answer for a group that has become the supergroup `chat_id`."""
    return bad_request(
        "group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": chat_id}
    )
