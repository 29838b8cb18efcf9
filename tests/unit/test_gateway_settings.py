import pytest
from pydantic import ValidationError

from service.settings import GatewaySettings


def test_a_blob_store_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MADV_BLOB_URL", raising=False)
    with pytest.raises(ValidationError, match="blob_url"):
        GatewaySettings.model_validate({})


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADV_BLOB_URL", "s3://bucket/prefix")
    monkeypatch.setenv("MADV_MAX_UPLOAD_BYTES", "4096")
    settings = GatewaySettings()  # type: ignore[call-arg]  # filled from the environment
    assert (settings.blob_url, settings.max_upload_bytes) == ("s3://bucket/prefix", 4096)


@pytest.mark.parametrize(
    "out_of_bounds",
    [
        {"blob_url": "/a/path"},
        {"port": 0},
        {"max_upload_bytes": 1},
        {"job_deadline_s": 0},
        {"job_retries": -1},
        {"result_ttl_s": 1},
        {"sweep_interval_s": 0},
    ],
)
def test_values_out_of_bounds_are_refused(out_of_bounds: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate({"blob_url": "memory:///", **out_of_bounds})


def test_a_password_is_not_shown() -> None:
    settings = GatewaySettings.model_validate(
        {"blob_url": "memory:///", "redis_url": "redis://:hush@127.0.0.1/0"}
    )
    assert "hush" not in repr(settings)


def test_every_setting_is_explained() -> None:
    assert all(field.description for field in GatewaySettings.model_fields.values())
