"""How a signed request of Binance spot is checked: key, signature, time, in the real order."""

import hashlib
import hmac
import re
import urllib.parse
from collections.abc import Mapping
from typing import Final

from tests.fakes.exchange.binance_refusals import (
    bad_key,
    bad_key_format,
    bad_signature,
    missing,
    timestamp_ahead,
    timestamp_late,
    window_too_large,
)
from tests.fakes.exchange.terms import ApiKey

_KEY: Final = re.compile(r"^\S{8,128}$")
_RECEIVE_WINDOW_MS: Final = 5_000
_RECEIVE_WINDOW_MAX_MS: Final = 60_000
_AHEAD_MAX_MS: Final = 1_000
_SIGNATURE: Final = re.compile(r"(?:^|&)signature=([^&]*)$")
_OF_SIGNING: Final = frozenset({"timestamp", "recvWindow", "signature"})


def check_key(headers: Mapping[str, str], keys: Mapping[str, ApiKey]) -> ApiKey:
    """Find the key that a request names; headers are given in lower case."""
    name = headers.get("x-mbx-apikey", "")
    if not _KEY.match(name):
        raise bad_key_format()
    if name not in keys:
        raise bad_key()
    return keys[name]


def check_signed(total: str, key: ApiKey, now_ms: int) -> dict[str, str]:
    """Check what was signed, the query string followed by the body, and return what it asks."""
    found = _SIGNATURE.search(total)
    if found is None:
        raise missing("signature")
    signed = total[: found.start()]
    expected = hmac.new(key.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, found[1]):
        raise bad_signature()
    parameters = read_parameters(signed)
    _check_time(parameters, now_ms)
    return {name: value for name, value in parameters.items() if name not in _OF_SIGNING}


def read_parameters(encoded: str) -> dict[str, str]:
    """Read a query string or a form; an empty value counts as sent."""
    return dict(urllib.parse.parse_qsl(encoded, keep_blank_values=True))


def _check_time(parameters: Mapping[str, str], now_ms: int) -> None:
    sent = parameters.get("timestamp", "")
    if not sent.isdigit():
        raise missing("timestamp")
    window = parameters.get("recvWindow", str(_RECEIVE_WINDOW_MS))
    if not window.isdigit() or int(window) > _RECEIVE_WINDOW_MAX_MS:
        raise window_too_large()
    if int(sent) >= now_ms + _AHEAD_MAX_MS:
        raise timestamp_ahead()
    if now_ms - int(sent) > int(window):
        raise timestamp_late()
