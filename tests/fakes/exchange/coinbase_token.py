"""How Coinbase knows a caller: a short-lived token signed with the key's elliptic curve.

The token is checked as the API checks it: its form, its times, the request it is for, and the
signature itself.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.fakes.exchange.terms import ApiKey

_LIFE_MAX_S: Final = 120
_SKEW_S: Final = 30
_HALF: Final = 32


class BadTokenError(Exception):
    """Say why a token is not believed."""


def new_secret() -> str:
    """Make the secret of a key as the Coinbase site hands one out."""
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return pem.decode()


def check_token(token: str, keys: Mapping[str, ApiKey], now_s: float, asked: str = "") -> ApiKey:
    """Find the key that a token was signed with; `asked` is the method, host and path it is for."""
    parts = token.split(".")
    if len(parts) != 3:
        raise BadTokenError("a token has three parts")
    header, claims = _read_object(parts[0]), _read_object(parts[1])
    if header.get("alg") != "ES256" or header.get("typ") != "JWT" or not header.get("nonce"):
        raise BadTokenError("the token's header is not that of ES256 with a nonce")
    key = keys.get(str(header.get("kid")))
    if key is None or claims.get("sub") != key.key:
        raise BadTokenError("no such key")
    _check_claims(claims, now_s, asked)
    _check_signature(f"{parts[0]}.{parts[1]}", _decode(parts[2]), key)
    return key


def _check_claims(claims: Mapping[str, object], now_s: float, asked: str) -> None:
    if claims.get("iss") not in {"cdp", "coinbase-cloud"}:
        raise BadTokenError("the token is not of a cloud key")
    begins, ends = claims.get("nbf"), claims.get("exp")
    if not isinstance(begins, int) or not isinstance(ends, int):
        raise BadTokenError("the token says no times")
    if ends - begins > _LIFE_MAX_S:
        raise BadTokenError("the token lives longer than two minutes")
    if not begins - _SKEW_S <= now_s <= ends:
        raise BadTokenError("the token is not of now")
    if asked and _without_scheme(str(claims.get("uri", ""))) != asked:
        raise BadTokenError(f"the token is for {claims.get('uri')!r}, not for {asked!r}")


def _without_scheme(uri: str) -> str:
    # The library takes only https:// away; a loopback address keeps its scheme.
    return uri.replace("http://", "").replace("https://", "")


def _check_signature(signed: str, signature: bytes, key: ApiKey) -> None:
    if len(signature) != 2 * _HALF:
        raise BadTokenError("an ES256 signature has 64 bytes")
    private = serialization.load_pem_private_key(key.secret.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    der = encode_dss_signature(
        int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
    )
    try:
        private.public_key().verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise BadTokenError("the token's signature does not fit") from None


def _read_object(part: str) -> dict[str, object]:
    try:
        value = json.loads(_decode(part))
    except ValueError:
        raise BadTokenError("a part of the token is no JSON") from None
    if not isinstance(value, dict):
        raise BadTokenError("a part of the token is no JSON object")
    return value


def _decode(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise BadTokenError("a part of the token is no base64") from None
