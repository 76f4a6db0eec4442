"""TLS as a layer over bytes: ciphertext in, plaintext out, and the reverse. No socket.

One lock makes a layer safe for a reading and a writing thread, which OpenSSL alone is not.
TLS 1.3 only, certificates checked on both sides.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from threading import Lock
from typing import Final

from tcpproto.errors import RemoteProtocolError

_READ_LEN: Final = 256 * 1024


def build_client_context(cert_file: Path, key_file: Path, ca_file: Path) -> ssl.SSLContext:
    """Return a context that shows our certificate and checks the server's name and issuer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cafile=str(ca_file))
    context.load_cert_chain(certfile=str(cert_file), keyfile=str(key_file))
    return context


def build_server_context(cert_file: Path, key_file: Path, ca_file: Path) -> ssl.SSLContext:
    """Return a context that admits only clients with a certificate of our issuer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=str(ca_file))
    context.load_cert_chain(certfile=str(cert_file), keyfile=str(key_file))
    return context


class TlsLayer:
    """Hold one TLS conversation."""

    def __init__(
        self, context: ssl.SSLContext, *, server_side: bool, server_hostname: str | None = None
    ) -> None:
        self._lock = Lock()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server_side,
            server_hostname=server_hostname,
        )
        self._waiting: list[bytes] = []
        self.is_established = False

    def start(self) -> bytes:
        """Return the first bytes to send (none at a server)."""
        self.receive(b"")
        return self.data_to_send()

    def receive(self, data: bytes) -> bytes:
        """Take ciphertext and return the plaintext in it; RemoteProtocolError on a bad peer."""
        with self._lock:
            if data:
                self._incoming.write(data)
            try:
                if not self.is_established and not self._shake_hands():
                    return b""
                return self._read_all()
            except ssl.SSLError as error:
                raise RemoteProtocolError("tls", f"TLS: {_reason_of(error)}") from None

    def send(self, data: bytes) -> bytes:
        """Take plaintext and return the ciphertext to send, in order, now."""
        with self._lock:
            if self.is_established:
                self._write(data)
            else:
                self._waiting.append(data)
            return self._outgoing.read()

    def data_to_send(self) -> bytes:
        """Return what the layer itself wants sent: handshake, key updates, alerts."""
        with self._lock:
            return self._outgoing.read()

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self.is_established = True
        for data in self._waiting:
            self._write(data)
        self._waiting.clear()
        return True

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view) :]

    def _read_all(self) -> bytes:
        parts: list[bytes] = []
        while True:
            try:
                part = self._tls.read(_READ_LEN)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                break
            if not part:
                break
            parts.append(part)
        return b"".join(parts)


def _reason_of(error: ssl.SSLError) -> str:
    reason = (error.reason or str(error)).lower().replace("_", " ")
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{reason}: {error.verify_message}"
    return reason
