"""Errors of the link: who was at fault, and what the caller must do.

ProtocolError
├── LocalProtocolError    we used the link wrongly: fix the caller, nothing was sent
└── RemoteProtocolError   the peer sent something wrong: close that connection
"""

from __future__ import annotations


class ProtocolError(Exception):
    """Stand above the two leaves; only a leaf is ever raised."""

    def __init__(self, code: str, text: str) -> None:
        if type(self) is ProtocolError:
            raise TypeError("raise LocalProtocolError or RemoteProtocolError")
        super().__init__(text)
        self.code = code
        self.text = text


class LocalProtocolError(ProtocolError):
    """Say that this side tried something the protocol does not allow."""


class RemoteProtocolError(ProtocolError):
    """Say that the peer broke the protocol; `code` goes into the closing `bye`."""
