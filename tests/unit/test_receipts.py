"""Deletion receipts are genuine or are told not to be."""

import base64
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from service.receipts import BadReceipt, Receipts, public_key, verified

pytestmark = pytest.mark.anyio

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
SEED = b"0" * 32


async def shared(fresh: bytes) -> bytes:
    """What another gateway made before."""
    assert len(fresh) == 32
    return SEED


async def test_a_receipt_is_verified_with_the_public_keys() -> None:
    receipts = Receipts(None, shared)
    signed = await receipts.sign("job_1", "lab", AT)
    keys = (await receipts.keys()).keys
    assert verified(signed, keys) == ("job_1", AT)
    assert "d" not in keys[0].model_dump(exclude_none=True).keys() & {"d"}


async def test_gateways_that_share_a_key_verify_each_other_s_receipts() -> None:
    one, other = Receipts(None, shared), Receipts(None, shared)
    assert verified(await one.sign("job_1", "lab", AT), (await other.keys()).keys)


async def test_the_key_of_the_settings_is_taken() -> None:
    told = SecretStr(base64.urlsafe_b64encode(b"1" * 32).decode().rstrip("="))
    receipts = Receipts(told, shared)
    signed = await receipts.sign("job_1", "lab", AT)
    own = public_key(Ed25519PrivateKey.from_private_bytes(b"1" * 32))
    assert verified(signed, [own])
    with pytest.raises(BadReceipt, match="none of the known keys"):
        verified(signed, (await Receipts(None, shared).keys()).keys)


@pytest.mark.parametrize("told", ["", "short", "!"])
def test_a_key_of_another_size_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match=r"32 bytes|padding|base64"):
        Receipts(SecretStr(told), shared)


async def test_a_changed_receipt_is_not_genuine() -> None:
    receipts = Receipts(None, shared)
    signed = await receipts.sign("job_1", "lab", AT)
    head, body, signature = signed.split(".")
    other = (await receipts.sign("job_2", "lab", AT)).split(".")[1]
    keys = (await receipts.keys()).keys
    for changed in (f"{head}.{other}.{signature}", f"{head}.{body}.{signature[:-4]}AAAA", "x"):
        with pytest.raises(BadReceipt):
            verified(changed, keys)


async def test_another_token_of_the_same_key_is_no_receipt() -> None:
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    public = public_key(key)
    claims = {"iss": "madv", "sub": "job_1", "iat": 1}
    token = jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": public.kid})
    with pytest.raises(BadReceipt, match="no deletion receipt"):
        verified(token, [public])
