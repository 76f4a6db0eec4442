"""The HTTP session of a ccxt object, with less work before each request than `requests` does.

What is sent is the same to the byte. Must not know what is asked.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from weakref import WeakValueDictionary

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool

# Addresses without a query are few, and the same again and again.
ADDRESSES_MAX: Final = 256
# What ccxt says of a request. Whatever else is said, `requests` is to see to it.
_KNOWN: Final = frozenset({"data", "headers", "timeout", "proxies", "verify", "files"})
_NOT_IN_NAMES: Final = frozenset(": ")


def quicken(session: Session) -> None:
    """Have a session make the requests of ccxt in less time than `requests` takes.

    What is left out would find nothing: cookies, parameters and a password beside the headers and
    the address of a request, faults in plain headers, and settings of the environment.
    """
    quick: Any = _QuickRequests(session)
    session.request = quick  # type: ignore[method-assign] # the object's own
    for adapter in session.adapters.values():
        if type(adapter) is HTTPAdapter:
            found: Any = _KnownPools(adapter)
            adapter.get_connection_with_tls_context = found  # type: ignore[method-assign] # too
            target: Any = _Targets(adapter)
            adapter.request_url = target  # type: ignore[method-assign] # too


class _QuickRequests:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._usual: Callable[..., Response] = session.request
        self._addresses: dict[str, str] = {}

    def __call__(self, method: str, url: str, **said: Any) -> Response:
        headers = {**self._session.headers, **(said.get("headers") or {})}
        if not (_is_valid(headers) and self._is_plain(url, said)):
            return self._usual(method, url, **said)
        session, verify = self._session, said.get("verify")
        return session.send(
            self._make(method, url, said.get("data"), headers),
            timeout=said.get("timeout"),
            allow_redirects=True,
            proxies=said.get("proxies") or {},
            stream=session.stream,
            verify=session.verify if verify is None else verify,
            cert=session.cert,
        )

    def _is_plain(self, url: str, said: Mapping[str, Any]) -> bool:
        session, data = self._session, said.get("data")
        return (
            said.keys() <= _KNOWN
            and said.get("files") is None
            and (data is None or isinstance(data, bytes))
            and "@" not in url
            and not (session.params or session.auth or session.proxies or session.trust_env)
            and not any(session.hooks.values())
        )

    def _make(
        self, method: str, url: str, data: bytes | None, headers: dict[str, Any]
    ) -> PreparedRequest:
        made = PreparedRequest()
        made.prepare_method(method)
        self._set_address(made, url)
        # Its names are asked for as they are written here, so no other spelling need be found.
        made.headers = headers  # type: ignore[assignment]
        made.prepare_cookies(self._session.cookies)
        if data:
            made.body, headers["Content-Length"] = data, str(len(data))
        else:
            made.prepare_body({}, None)
        return made

    def _set_address(self, made: PreparedRequest, url: str) -> None:
        if (known := self._addresses.get(url)) is not None:
            made.url = known
            return
        made.prepare_url(url, None)
        if "?" not in url and made.url is not None and len(self._addresses) < ADDRESSES_MAX:
            self._addresses[url] = made.url


def _is_valid(headers: Mapping[Any, Any]) -> bool:
    """Tell whether `requests` would find no fault with headers, and change none of them."""
    values = headers.values()
    if set(map(type, (*headers, *values))) != {str}:
        return False
    names = "".join(headers)
    return (
        names.isascii()
        and names.isprintable()
        and not _NOT_IN_NAMES.intersection(names)
        and "" not in headers
        and all(map(str.isprintable, values))
        and not any(value[:1].isspace() for value in values)
        # Of two spellings of a name the later one would count, and this one is made later.
        and len({name.lower() for name in headers} - {"content-length"}) == len(headers)
    )


class _Targets:
    """Name what is asked of a host; only with a proxy is the host a part of it."""

    def __init__(self, adapter: HTTPAdapter) -> None:
        self._usual: Callable[..., str] = adapter.request_url

    def __call__(self, request: PreparedRequest, proxies: Any) -> str:
        target = request.path_url
        # Two slashes at the beginning would name another host.
        return self._usual(request, proxies) if proxies or target[:2] == "//" else target


class _KnownPools:
    """Remember the connections of a host, which are looked up by a key of all their settings."""

    def __init__(self, adapter: HTTPAdapter) -> None:
        self._usual: Callable[..., HTTPConnectionPool] = adapter.get_connection_with_tls_context
        # Weakly, because they are closed when the session lets go of them.
        self._pools: WeakValueDictionary[tuple[str, bool], HTTPConnectionPool]
        self._pools = WeakValueDictionary()

    def __call__(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> HTTPConnectionPool:
        url = request.url or ""
        if proxies or cert or not isinstance(verify, bool):
            return self._usual(request, verify, proxies=proxies, cert=cert)
        # Up to the path, which begins behind two slashes.
        key = ("/".join(url.split("/", 3)[:3]), verify)
        known = self._pools.get(key)
        if known is None or known.pool is None:
            known = self._pools[key] = self._usual(request, verify, proxies=proxies, cert=cert)
        return known
