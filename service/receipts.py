"""Deletion receipts: signed statements that nothing of a job is kept any more.

A receipt is a JSON Web Token (RFC 7519) signed with Ed25519 (RFC 8037). Anybody can verify it with
the public key, also years later and without the service.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from pydantic import BaseModel, Field, SecretStr

HEADER: Final = "Deletion-Receipt"
_SEED_BYTES: Final = 32
_TYPE: Final = "deletion-receipt+jwt"
_ALGORITHM: Final = "EdDSA"
_ERASED: Final = ("clip", "result", "plot", "record", "events", "queue", "webhook-log")
"""What is kept of a job while there is one. Its id stays, so that it answers 410."""


class DeletionReceipt(BaseModel):
    """A signed statement that nothing of a job is kept any more."""

    job_id: str
    receipt: str = Field(description="A JSON Web Token, signed with Ed25519.")


class JsonWebKey(BaseModel):
    """A public key (RFC 8037)."""

    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    alg: Literal["EdDSA"] = "EdDSA"
    use: Literal["sig"] = "sig"
    kid: str
    x: str


class JsonWebKeySet(BaseModel):
    """The public keys that deletion receipts are verified with (RFC 7517)."""

    keys: list[JsonWebKey]


class BadReceipt(Exception):
    """A receipt that is not what it claims to be. The message says why."""


class Receipts:
    """Signs, with the key of the settings or else with one that all gateways share.

    Args:
        told: What the settings say, 32 bytes in base64url.
        shared: The bytes gateways agree on; is handed some that will do.
    """

    def __init__(self, told: SecretStr | None, shared: Callable[[bytes], Awaitable[bytes]]) -> None:
        self._told = None if told is None else _decoded(told)
        self._shared = shared
        self._key: Ed25519PrivateKey | None = None

    async def sign(self, job_id: str, tenant: str, at: datetime) -> str:
        """The receipt for a job of which nothing was kept at that moment."""
        key = await self._signing_key()
        claims = {
            "iss": "madv",
            "sub": job_id,
            "tenant": tenant,
            "iat": int(at.timestamp()),
            "erased": list(_ERASED),
        }
        headers = {"typ": _TYPE, "kid": public_key(key).kid}
        return jwt.encode(claims, key, algorithm=_ALGORITHM, headers=headers)

    async def keys(self) -> JsonWebKeySet:
        """What receipts are verified with."""
        return JsonWebKeySet(keys=[public_key(await self._signing_key())])

    async def _signing_key(self) -> Ed25519PrivateKey:
        if self._key is None:
            seed = self._told or await self._shared(secrets.token_bytes(_SEED_BYTES))
            self._key = Ed25519PrivateKey.from_private_bytes(seed)
        return self._key


def public_key(key: Ed25519PrivateKey) -> JsonWebKey:
    """The public half (RFC 8037), named by its thumbprint (RFC 7638)."""
    written = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    canonical = json.dumps(written, sort_keys=True, separators=(",", ":"))
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest())
    return JsonWebKey(kid=thumbprint.decode().rstrip("="), x=str(written["x"]))


def verified(receipt: str, keys: Sequence[JsonWebKey]) -> tuple[str, datetime]:
    """The job a receipt is for, and the moment it speaks of.

    Raises:
        BadReceipt: None of the keys signed it, or it is no receipt.
    """
    try:
        header = jwt.get_unverified_header(receipt)
        key = next(each for each in keys if each.kid == header.get("kid"))
        claims = jwt.decode(
            receipt,
            jwt.PyJWK(key.model_dump()).key,
            algorithms=[_ALGORITHM],
            issuer="madv",
            options={"require": ["sub", "iat", "iss"]},
        )
    except StopIteration as error:
        raise BadReceipt("none of the known keys signed it") from error
    except jwt.InvalidTokenError as error:
        raise BadReceipt(str(error)) from error
    if header.get("typ") != _TYPE:
        raise BadReceipt("it is no deletion receipt")
    return str(claims["sub"]), datetime.fromtimestamp(int(claims["iat"]), UTC)


def _decoded(told: SecretStr) -> bytes:
    seed = base64.urlsafe_b64decode(told.get_secret_value() + "==")
    if len(seed) != _SEED_BYTES:
        raise ValueError(f"a receipt key has {_SEED_BYTES} bytes in base64")
    return seed
