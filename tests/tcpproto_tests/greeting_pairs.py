"""Pairs of peers that greet each other: with a secret, or with a hello that a test has written."""

import dataclasses

from tcpproto.payloads import Log
from tests.tcpproto_tests.connection_pair import HELLO, NONCE, ConnectionPair
from tests.tcpproto_tests.frames_of import json_frame

SECRET = "correct horse battery staple"
WITH_NONCE = dataclasses.replace(HELLO, nonce=NONCE)
LOG = Log("INFO", "trading", 1.0, "line").to_message(1.0)


def pair_with_secret(
    client_secret: str | None = SECRET, server_secret: str | None = SECRET, **options: object
) -> ConnectionPair:
    hello = HELLO if client_secret is None else WITH_NONCE
    options = {"hello": hello} | options
    return ConnectionPair(
        client_secret=client_secret,
        server_secret=server_secret,
        **options,  # type: ignore[arg-type]
    )


def with_hello(body: object) -> ConnectionPair:
    pair = ConnectionPair()
    pair.up.drop()
    pair.up.put(json_frame(tag="hello", message=body, timestamp=1))
    pair.deliver_up()
    pair.deliver_down()
    return pair
