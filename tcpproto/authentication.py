"""Authentication: both sides prove that they hold the link secret, without sending it.

HMAC-SHA256 (RFC 2104) over the role, both nonces and the client's whole hello, so that a proof
fits one conversation and one speaker only: it cannot be replayed, reflected or moved to another
name. Proofs are compared in constant time.
"""

from __future__ import annotations

import hmac
from typing import Final

from tcpproto.greetings import Hello

NONCE_BYTES: Final = 32
CLIENT_ROLE: Final = "client"
SERVER_ROLE: Final = "server"


def make_proof(secret: str, role: str, hello: Hello, server_nonce: str) -> str:
    """Return the hex proof of `role` for one handshake."""
    fields = (
        "tradebridge-link/1",
        role,
        hello.nonce or "",
        server_nonce,
        hello.version,
        hello.bot,
        hello.instance,
        hello.epoch,
        str(hello.last_seq),
    )
    # Each field with its length before it: two different hellos never give the same bytes.
    transcript = b"".join(
        len(data).to_bytes(4, "big") + data for data in (f.encode("utf-8") for f in fields)
    )
    return hmac.new(secret.encode("utf-8"), transcript, "sha256").hexdigest()


def is_proof(proof: str, secret: str, role: str, hello: Hello, server_nonce: str) -> bool:
    """Tell whether a proof is the one expected, in constant time."""
    expected = make_proof(secret, role, hello, server_nonce)
    return hmac.compare_digest(expected.encode("ascii"), proof.encode("utf-8"))
