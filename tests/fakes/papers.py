"""Certificates as an operator would have them: files of one issuer."""

import ssl
from pathlib import Path

import trustme

from tcpproto.tls import build_client_context, build_server_context


class Papers:
    """Issue certificates and write them where a configuration would have them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._ca = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca_file))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate and its key."""
        cert = self._ca.issue_cert(name)
        cert_file, key_file = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        cert_file.write_bytes(b"".join(blob.bytes() for blob in cert.cert_chain_pems))
        cert.private_key_pem.write_to_path(str(key_file))
        return cert_file, key_file

    def server(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        """Return a bridge's context."""
        return build_server_context(*self.issue(name), self.ca_file)

    def client(self, name: str = "bot.example", ca_file: Path | None = None) -> ssl.SSLContext:
        """Return a bot's context."""
        return build_client_context(*self.issue(name), ca_file or self.ca_file)
