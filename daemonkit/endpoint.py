"""Where the two processes meet: address, secret and TLS files of the link, for both of them."""

import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from pydantic import Field

from daemonkit.credentials import read_credential
from daemonkit.errors import FOUND_EMPTY, FOUND_NOTHING, ConfigurationError
from daemonkit.files import create_private_once, read_private, write_atomically
from daemonkit.secrets import Secret
from daemonkit.settings import Settings

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 55110
SECRET_LENGTH_MIN = 16

_PORT_ALLOWED = "a whole number from 0 to 65535 (0 picks a free port)"
_SECRET_BYTES = 32
_ENVIRONMENT = "environment"

Resolver = Callable[[str], Sequence[str]]


class TlsSection(Settings):
    """The `link.tls` section: this side's certificate and key, and who signs the other side's."""

    cert_file: Path
    key_file: Path
    ca_file: Path


class LinkSection(Settings):
    """The `link` section, the same in the configurations of both processes."""

    host: str | None = None
    port: int | None = Field(default=None, ge=0, le=65535)
    tls: TlsSection | None = None


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Name the files of a link that is encrypted and checked on both sides."""

    cert_file: Path
    key_file: Path
    ca_file: Path


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Describe where the link listens and what it asks of its peers."""

    host: str
    port: int
    secret: Secret | None
    tls: TlsFiles | None
    port_file: Path
    is_loopback: bool

    def current_port(self) -> int | None:
        """Return the port to connect to; with port 0 the one the bridge has written, if any."""
        if self.port:
            return self.port
        try:
            port = int(self.port_file.read_text(encoding="ascii")[:16])
        except (OSError, ValueError):
            return None
        return port if 0 < port < 65536 else None

    def write_port(self, port: int) -> None:
        """Write the port that was picked, for the trading processes to find."""
        write_atomically(self.port_file, f"{port}\n".encode(), durable=False)


def load_endpoint(
    section: LinkSection,
    *,
    environ: Mapping[str, str],
    var_dir: Path,
    config_file: Path | None,
    default_port: int = DEFAULT_PORT,
    resolve: Resolver | None = None,
) -> Endpoint:
    """Return the endpoint that the environment and the configuration describe, checked."""
    file = str(config_file) if config_file else "configuration"
    host, place = _host(section, environ, file)
    address, is_loopback = _decide(host, resolve or resolve_host)
    tls = _tls(section.tls, config_file)
    if not is_loopback and tls is None:
        raise ConfigurationError(
            file,
            "link.tls",
            found=FOUND_NOTHING,
            allowed="cert_file, key_file and ca_file, as "
            f"{place[1]} {host} is not on this machine alone",
        )
    return Endpoint(
        host=address,
        port=_port(section, environ, default_port),
        secret=_secret(environ, var_dir, is_loopback=is_loopback),
        tls=tls,
        port_file=var_dir / "telegram" / "link.port",
        is_loopback=is_loopback,
    )


def _host(
    section: LinkSection, environ: Mapping[str, str], file: str
) -> tuple[str, tuple[str, str]]:
    place = (_ENVIRONMENT, "LINK_HOST") if environ.get("LINK_HOST") else (file, "link.host")
    host = environ.get("LINK_HOST") or section.host or DEFAULT_HOST
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    allowed = "a host name or an address, without a port"
    if not bare or len(bare) > 253 or not all(c.isalnum() or c in ".-_:%" for c in bare):
        raise ConfigurationError(*place, found=repr(host), allowed=allowed)
    if ":" in bare and not _is_address(bare):
        raise ConfigurationError(
            *place, found=repr(host), allowed=allowed, hint="the port has a key of its own"
        )
    return bare, place


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _decide(host: str, resolve: Resolver) -> tuple[str, bool]:
    """Return the address to use and whether it is on this machine alone."""
    if _is_address(host):
        return host, is_loopback_address(host)
    if host.rstrip(".").lower() in {"localhost", "localhost.localdomain"}:
        return DEFAULT_HOST, True
    addresses = resolve(host)
    if addresses and all(is_loopback_address(address) for address in addresses):
        # Pinned, so that a later change of the name cannot lead off this machine without TLS.
        return addresses[0], True
    return host, False


def is_loopback_address(address: str) -> bool:
    """Tell whether a numeric address never leaves this machine."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback


def resolve_host(host: str) -> list[str]:
    """Return the numeric addresses of a name; none when it cannot be resolved."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(entry[4][0]) for entry in found]


def _port(section: LinkSection, environ: Mapping[str, str], default_port: int) -> int:
    text = environ.get("LINK_PORT", "").strip()
    if text:
        if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535):
            raise ConfigurationError(
                _ENVIRONMENT, "LINK_PORT", found=repr(text), allowed=_PORT_ALLOWED
            )
        return int(text)
    return default_port if section.port is None else section.port


def _secret(environ: Mapping[str, str], var_dir: Path, *, is_loopback: bool) -> Secret | None:
    given = read_credential("link_secret", env_names=(), environ=environ)
    if given is not None:
        return _long_enough(given, f"{environ['CREDENTIALS_DIRECTORY']}/link_secret")
    name = environ.get("LINK_SECRET_FILE")
    if name is None:
        path = var_dir / "link.secret"
        data = create_private_once(path, lambda: secrets.token_hex(_SECRET_BYTES).encode() + b"\n")
        return _long_enough(_decoded(data, path), path)
    if name.strip():
        return _long_enough(_read_secret(Path(name)), name)
    if not is_loopback:
        raise ConfigurationError(
            _ENVIRONMENT,
            "LINK_SECRET_FILE",
            found=FOUND_EMPTY,
            allowed="the path of a secret: the link leaves this machine",
        )
    return None


def _read_secret(path: Path) -> Secret:
    try:
        return _decoded(read_private(path), path)
    except FileNotFoundError as error:
        raise ConfigurationError(
            _ENVIRONMENT,
            "LINK_SECRET_FILE",
            found=f"no file at {path}",
            allowed="an existing file (0600), empty to use no secret, "
            "unset to have one made in VAR_DIR",
        ) from error


def _decoded(data: bytes, path: Path) -> Secret:
    try:
        return Secret(data.decode().strip())
    except UnicodeDecodeError:
        # Not chained: the decoder's message quotes the bytes.
        raise ConfigurationError(path, found="bytes that are not UTF-8", allowed="text") from None


def _long_enough(secret: Secret, file: Path | str) -> Secret:
    if len(secret.reveal()) < SECRET_LENGTH_MIN:
        raise ConfigurationError(
            file, found="a short secret", allowed=f"at least {SECRET_LENGTH_MIN} characters"
        )
    return secret


def _tls(section: TlsSection | None, config_file: Path | None) -> TlsFiles | None:
    if section is None:
        return None
    folder = config_file.parent if config_file else Path()
    files = TlsFiles(
        cert_file=folder / section.cert_file,
        key_file=folder / section.key_file,
        ca_file=folder / section.ca_file,
    )
    _check_tls(files, str(config_file) if config_file else "configuration")
    return files


def _check_tls(files: TlsFiles, file: str) -> None:
    """Load the files once now, as a missing key must not wait for the first connection."""
    import ssl  # noqa: PLC0415 - most installations stay on one machine and need no TLS

    for key, path in (
        ("cert_file", files.cert_file),
        ("key_file", files.key_file),
        ("ca_file", files.ca_file),
    ):
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            found = f"{path} ({error.strerror})"
            raise ConfigurationError(
                file, f"link.tls.{key}", found=found, allowed="a readable file"
            ) from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An empty password: a protected key is an error here, not a prompt on the terminal.
        context.load_cert_chain(files.cert_file, files.key_file, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConfigurationError(
            file,
            "link.tls.cert_file",
            found=f"{files.cert_file} ({_ssl_reason(error)})",
            allowed="a PEM certificate with its PEM key, not protected by a password",
        ) from error
    try:
        context.load_verify_locations(files.ca_file)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(
            file,
            "link.tls.ca_file",
            found=f"{files.ca_file} ({_ssl_reason(error)})",
            allowed="PEM certificates",
        ) from error


def _ssl_reason(error: Exception) -> str:
    return getattr(error, "reason", None) or type(error).__name__
