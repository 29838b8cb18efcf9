"""Settings of the gateway, read from `MADV_*` environment variables."""

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024
HOUR_S = 3600

Seconds = Annotated[float, Field(gt=0, le=24 * HOUR_S)]


class GatewaySettings(BaseSettings):
    """Everything the gateway can be told. An instance is handed to `create_app`."""

    model_config = SettingsConfigDict(env_prefix="MADV_", frozen=True, extra="ignore")

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
    job_deadline_s: int = Field(
        default=300, ge=5, le=6 * HOUR_S, description="Longest one attempt at a job may run."
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
        description="Life of a job and its result where the request says none.",
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
    probe_after_s: Seconds = Field(
        default=60,
        description="Age of the last proven inference after which a new proof is asked for.",
    )
    probe_stale_s: Seconds = Field(
        default=240,
        description="Age of the last proven inference after which the service is not ready.",
    )
    redis_timeout_s: Seconds = Field(default=5, description="Longest wait for one answer of Redis.")
