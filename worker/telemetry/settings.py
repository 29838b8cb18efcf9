"""Settings of traces and logs, the same in gateway and worker."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class TelemetrySettings(BaseSettings):
    """What is told besides answers."""

    model_config = SettingsConfigDict(env_prefix="MADV_", frozen=True, extra="ignore")

    traces: str = Field(
        default="",
        pattern=r"^(|otlp|console|file:///.+)$",
        description="Where traces go: `otlp` (as the standard OTEL_EXPORTER_OTLP_* variables say), "
        "`console`, or file:///path, one span in JSON a line; empty for none.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Lines for people, or JSON with the ids of job and trace."
    )
