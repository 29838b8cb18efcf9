"""Settings of the gateway, read from `MADV_*` environment variables."""

from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import Field, IPvAnyNetwork, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from worker.contract import RECOGNIZERS
from worker.telemetry.settings import TelemetrySettings

MIB = 1024 * 1024
HOUR_S = 3600

Seconds = Annotated[float, Field(gt=0, le=24 * HOUR_S)]


class GatewaySettings(TelemetrySettings):
    """Everything the gateway can be told. An instance is handed to `create_app`."""

    model_config = SettingsConfigDict(
        env_prefix="MADV_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # a refusal would quote the settings, passwords and all
    )

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis that holds job records and the queue; may carry a password.",
    )
    blob_url: str = Field(
        description="Where clips and results lie: file:///folder, s3://bucket/prefix, ...",
        pattern=r"^[a-z][a-z0-9]*://",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="TCP port to listen on.")
    max_upload_bytes: int = Field(
        default=200 * MIB,
        ge=1024,
        le=16 * 1024 * MIB,
        description="Largest clip accepted, in bytes.",
    )
    upload_timeout_s: Seconds = Field(
        default=900, description="Longest a request's body may take to arrive."
    )
    attempt_timeout_s: int = Field(
        default=300, ge=5, le=6 * HOUR_S, description="Longest one attempt at a job may run."
    )
    job_deadline_s: int = Field(
        default=24 * HOUR_S,
        ge=1,
        description="Seconds from its submission in which a job ends, where the request says none.",
    )
    job_deadline_max_s: int = Field(
        default=7 * 24 * HOUR_S, ge=1, description="Longest deadline a request may ask for."
    )
    max_queued: int = Field(
        default=50_000, ge=1, description="Jobs the queue holds before it refuses more."
    )
    job_retries: int = Field(
        default=2,
        ge=0,
        le=10,
        description="Further attempts after a worker or model server failed.",
    )
    result_ttl_s: int = Field(
        default=24 * HOUR_S,
        ge=60,
        description="Life of a result, from the end of its job, where the request says none.",
    )
    result_ttl_min_s: int = Field(
        default=60, ge=1, description="Shortest life a request may ask for."
    )
    result_ttl_max_s: int = Field(
        default=7 * 24 * HOUR_S, ge=60, description="Longest life a request may ask for."
    )
    tombstone_s: int = Field(
        default=7 * 24 * HOUR_S, ge=60, description="How long an expired job still answers 410."
    )
    sweep_interval_s: Seconds = Field(
        default=30, description="Pause between two rounds that erase what expired."
    )
    retry_after_s: int = Field(
        default=1, ge=1, le=60, description="Polling interval suggested to clients."
    )
    recognizers: tuple[str, ...] = Field(
        default=RECOGNIZERS,
        min_length=1,
        description='Those that are offered, the first where none is asked for; `["au"]` alone '
        "infers no emotion.",
    )
    probe_after_s: Seconds = Field(
        default=60,
        description="Age of the last proven inference after which a new proof is asked for.",
    )
    probe_stale_s: Seconds = Field(
        default=240,
        description="Age of the last proven inference after which the service is not ready.",
    )
    idempotency_ttl_s: int = Field(
        default=24 * HOUR_S, ge=60, description="How long an Idempotency-Key is remembered."
    )
    plot_timeout_s: Seconds = Field(
        default=30, description="Longest a request for a plot waits until a worker has drawn it."
    )
    auth: Literal["required", "off"] = Field(
        default="required",
        description="Whether requests need an API key; can be off on a loopback address only.",
    )
    webhook_timeout_s: Seconds = Field(
        default=15, description="Longest one delivery of a webhook may take, redirects included."
    )
    webhook_retries_s: tuple[Seconds, ...] = Field(
        default=(5, 300, 1800, 7200, 18_000, 36_000, 36_000),
        description="Pauses before the further attempts at delivering a webhook.",
    )
    webhook_networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(),
        description="Networks webhooks may go to although not public, and there also by http.",
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Bearer token that /metrics may be read with; keys with `admin` may too.",
    )
    compact_interval_s: Seconds = Field(
        default=3600, description="Longest that Redis' append-only file holds what was erased."
    )
    audit_url: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9]*://",
        description="Where the audit log goes; where not told, beside the blobs under `audit/`.",
    )
    audit_seal_s: Seconds = Field(
        default=60, description="Pause between two rounds that seal what was done meanwhile."
    )
    receipt_key: SecretStr | None = Field(
        default=None,
        description="What deletion receipts are signed with, 32 bytes in base64url; where not "
        "told, a key is made and kept in Redis.",
    )
    redis_timeout_s: Seconds = Field(default=5, description="Longest wait for one answer of Redis.")

    @field_validator("recognizers")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(value) - set(RECOGNIZERS):
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        return value

    @model_validator(mode="after")
    def _open_on_loopback_alone(self) -> Self:
        if self.auth == "off" and not is_loopback(self.host):
            raise ValueError("without API keys only a loopback address can be listened on")
        return self


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own; unknown names are not."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
