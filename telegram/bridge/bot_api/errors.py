"""What Telegram's refusals, and exchanges that were cut short, mean for whoever made the call."""

import json
import re
from datetime import timedelta
from typing import Any, Final

import httpx

from telegram.bridge.messenger import Trouble

WAIT_UNTOLD_S: Final = 5.0
_WAIT_MAX_S: Final = 3_600.0

# Failures before a single byte of the request was sent.
_NOTHING_SENT: Final = (
    *(httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout),
    *(httpx.ProxyError, httpx.UnsupportedProtocol),
)

# The library has errors of its own for these, and for every answer with parameters.
_KNOWN: Final = frozenset({400, 401, 403, 404, 409})

_GONE_MESSAGE: Final = (
    r"message to \w+ not found|message not found|message_id_invalid"
    r"|message can't be (edited|deleted)|no text in the message to edit"
)
_GONE_CHAT: Final = (
    r"chat not found|user not found|peer_id_invalid|chat_write_forbidden|chat_restricted"
    r"|bot was (blocked|kicked)|user is deactivated|group chat was|chat was (deleted|deactivated)"
    r"|no rights to send a message|not enough rights to send text|chat_send_plain_forbidden"
    r"|need administrator rights in the channel"
)

# Its texts change their letter case, so that is ignored; the first that is found counts.
_MEANINGS: Final = tuple(
    (re.compile(pattern), trouble)
    for pattern, trouble in (
        (r"message[ _](is )?not[ _]modified", Trouble.NOT_MODIFIED),
        (r"(message|text|caption)[ _](is )?too[ _]long", Trouble.TOO_LONG),
        (r"can't parse|entit(y|ies)|unsupported start tag", Trouble.BAD_TEXT),
        (r"thread not found|thread_invalid|topic_(id_invalid|deleted|closed)", Trouble.THREAD_GONE),
        (_GONE_MESSAGE, Trouble.MESSAGE_GONE),
        (_GONE_CHAT, Trouble.CHAT_GONE),
    )
)


def refusal_trouble(text: str) -> Trouble:
    """Return what the text of an answer 400 means."""
    lowered = text.lower()
    return next((trouble for words, trouble in _MEANINGS if words.search(lowered)), Trouble.REFUSED)


def loss_trouble(cause: BaseException | None) -> Trouble:
    """Return what it means that an exchange ended without an answer."""
    return Trouble.DOWN if isinstance(cause, _NOTHING_SENT) else Trouble.UNCLEAR


def read_failure(status: int, body: bytes) -> tuple[Trouble, str] | None:
    """Return what an answer means that the library would take for one of many kinds."""
    answer = _read_answer(body)
    if answer is None:
        return _status_trouble(status, is_answer=False), f"HTTP {status} that is not Telegram's"
    if 200 <= status < 300 or status in _KNOWN or answer.get("parameters"):
        return None
    return _status_trouble(status, is_answer=True), f"HTTP {status} {answer.get('description', '')}"


def wait_s_of(told: object) -> float:
    """Return how long to wait; whatever is told, it is asked again within the hour."""
    seconds = told.total_seconds() if isinstance(told, timedelta) else told
    if not isinstance(seconds, int | float):
        return WAIT_UNTOLD_S
    return float(min(max(seconds, 0), _WAIT_MAX_S))


def _read_answer(body: bytes) -> dict[str, Any] | None:
    """Return an answer of the API, or None for what somebody else has answered."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and "ok" in answer else None


def _status_trouble(status: int, *, is_answer: bool) -> Trouble:
    """Return what a status means.

    502 and 503 come from the machine in front of the API: the API itself was not there. After
    500 and 504 it may have acted. What is no answer of the API at all comes from somebody in
    between, such as a hotel's network, who did nothing of what was asked.
    """
    if status in (502, 503):
        return Trouble.DOWN
    if status >= 500 or 200 <= status < 300:
        return Trouble.UNCLEAR
    if status == 429:
        return Trouble.WAIT
    return Trouble.REFUSED if is_answer else Trouble.DOWN
