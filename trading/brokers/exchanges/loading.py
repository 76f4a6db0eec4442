"""Loads ccxt's classes: the only place that imports it, and only when an account or feed needs it.

Knows how a class is built from the `ccxt:` mapping of a configuration so that it makes each
request once, at once, and writes nothing of it anywhere. Must not know orders or markets.
"""

import difflib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from daemonkit.errors import ConfigurationError
from daemonkit.secrets import Secret

# What may be said of an exchange beside what its class is given: ours, not ccxt's.
SANDBOX: Final = "sandbox"
DEMO: Final = "demo"
_CREDENTIALS: Final = frozenset(
    {
        "apiKey",
        "secret",
        "password",
        "uid",
        "login",
        "token",
        "privateKey",
        "walletAddress",
        "twofa",
    }
)
_EXCHANGE_KEY: Final = "exchange"
_SETTINGS_KEY: Final = "ccxt"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Hold what signs the requests of an account."""

    key: Secret
    secret: Secret
    password: Secret | None = None
    uid: Secret | None = None

    def revealed(self) -> dict[str, str]:
        """Return them as ccxt's classes take them."""
        named = {
            "apiKey": self.key,
            "secret": self.secret,
            "password": self.password,
            "uid": self.uid,
        }
        return {name: value.reveal() for name, value in named.items() if value}


def load_exchange(
    name: str,
    settings: Mapping[str, Any],
    *,
    timeout_s: float,
    credentials: Credentials | None = None,
    where: str = "exchange",
) -> Any:
    """Build ccxt's blocking class of an exchange; without credentials it reads public data.

    `where` names the file or account for a ConfigurationError.
    """
    import ccxt  # type: ignore[import-untyped]  # noqa: PLC0415 - a paper bot pays nothing for it

    from trading.brokers.exchanges.session import quicken  # noqa: PLC0415 - comes with it

    exchange = _build(
        _class_of(ccxt, name, ccxt.exchanges, where), settings, timeout_s, credentials
    )
    # A redirect would send a request, and so an order, a second time.
    exchange.session.max_redirects = 0
    quicken(exchange.session)
    _choose_system(exchange, name, settings, where)
    return exchange


def load_pro_exchange(name: str, settings: Mapping[str, Any], *, timeout_s: float) -> Any:
    """Build ccxt's WebSocket class of an exchange, which is asyncio, for public data."""
    import ccxt.pro  # type: ignore[import-untyped]  # noqa: PLC0415 - only feeds need it

    return _build_public(_class_of(ccxt.pro, name, ccxt.pro.exchanges), name, settings, timeout_s)


def load_async_exchange(name: str, settings: Mapping[str, Any], *, timeout_s: float) -> Any:
    """Build an asyncio class for public data: the WebSocket one where there is one."""
    if has_pro(name):
        return load_pro_exchange(name, settings, timeout_s=timeout_s)
    import ccxt.async_support as plain  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

    return _build_public(_class_of(plain, name, plain.exchanges), name, settings, timeout_s)


def has_pro(name: str) -> bool:
    """Tell whether an exchange has a WebSocket class."""
    import ccxt.pro  # noqa: PLC0415 - only feeds need it

    return name in ccxt.pro.exchanges


def check_settings(settings: Mapping[str, Any], where: str) -> None:
    """Refuse what must not stand under `ccxt:`; needs no ccxt."""
    for key in settings:
        if key in _CREDENTIALS:
            raise ConfigurationError(
                where,
                f"{_SETTINGS_KEY}.{key}",
                allowed="keys from systemd credentials, the environment or a 0600 file",
            )
    if settings.get("verbose"):
        raise ConfigurationError(
            where, f"{_SETTINGS_KEY}.verbose", "true", "false", "it prints every request"
        )


def _class_of(module: Any, name: str, known: list[str], where: str = _EXCHANGE_KEY) -> Any:
    if name in known:
        return getattr(module, name)
    close = difflib.get_close_matches(name.lower(), known, n=5, cutoff=0.5)
    allowed = f"one of {', '.join(close)}" if close else f"one of ccxt's {len(known)} exchanges"
    raise ConfigurationError(where, _EXCHANGE_KEY, name, allowed)


def _build(
    make: Any,
    settings: Mapping[str, Any],
    timeout_s: float,
    credentials: Credentials | None = None,
) -> Any:
    # At debug level these log each request with its headers, and so the key, or its signature.
    for library in ("ccxt", "urllib3"):
        logging.getLogger(library).setLevel(logging.INFO)
    own = {key: value for key, value in settings.items() if key not in {SANDBOX, DEMO}}
    exchange = make({"timeout": round(timeout_s * 1000), **own})
    # Set on the object: nothing under `ccxt:` can bring back a hidden retry or a hidden wait. The
    # limiter of ccxt makes an order wait behind reads; ours stands around the venue.
    exchange.enableRateLimit = False
    exchange.verbose = False
    exchange.options["maxRetriesOnFailure"] = 0
    for option in exchange.options.values():
        if isinstance(option, dict):
            option.pop("maxRetriesOnFailure", None)
    for key, value in (credentials.revealed() if credentials else {}).items():
        setattr(exchange, key, value)
    return exchange


def _build_public(make: Any, name: str, settings: Mapping[str, Any], timeout_s: float) -> Any:
    exchange = _build(make, settings, timeout_s)
    _choose_system(exchange, name, settings)
    return exchange


def _choose_system(
    exchange: Any, name: str, settings: Mapping[str, Any], where: str = _EXCHANGE_KEY
) -> None:
    """Point the class at the exchange's test or demo system if that is wanted."""
    for key, urls_key in ((SANDBOX, "test"), (DEMO, "demo")):
        if not settings.get(key):
            continue
        if not exchange.urls.get(urls_key):
            raise ConfigurationError(
                where, f"{_SETTINGS_KEY}.{key}", "true", "false", f"{name} has no such system"
            )
        if key == SANDBOX:
            exchange.set_sandbox_mode(True)
        else:
            exchange.enable_demo_trading(True)
