"""Settings of the worker, read from `MADV_*` environment variables."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.telemetry.settings import TelemetrySettings
from worker.video.limits import DecodeLimits

_DEFAULT = DecodeLimits()

Seconds = Annotated[float, Field(gt=0, le=3600)]


class ModelSettings(BaseSettings):
    """Where the models run."""

    model_config = SettingsConfigDict(env_prefix="MADV_", frozen=True, extra="ignore")

    triton_url: str = Field(
        default="",
        pattern=r"^(\S+:\d+)?$",
        description="host:port of Triton's gRPC endpoint; empty runs the models in the worker.",
    )
    triton_shares_memory: bool = Field(
        default=False,
        description="Hand inputs to Triton in shared memory: it must see this worker's /dev/shm.",
    )
    model_repo: Path = Field(
        default=Path(__file__).parents[1] / "model_repo",
        description="Folder of the models, read where they run in the worker.",
    )
    startup_timeout_s: Seconds = Field(
        default=60, description="Longest wait for Redis and models at the start."
    )
    probe_timeout_s: Seconds = Field(
        default=30, description="Longest one inference may take that only proves it works."
    )


class DecodeSettings(BaseSettings):
    """What a clip may cost."""

    model_config = SettingsConfigDict(env_prefix="MADV_", frozen=True, extra="ignore")

    max_upload_bytes: int = Field(
        default=_DEFAULT.max_bytes, ge=1024, description="Largest clip analysed, in bytes."
    )
    max_pixels: int = Field(
        default=_DEFAULT.max_pixels, ge=1024, description="Largest frame, width times height."
    )
    max_frames: int = Field(
        default=_DEFAULT.max_frames, ge=3, description="Most frames a clip may have."
    )
    max_duration_s: Seconds = Field(
        default=_DEFAULT.max_duration_s, description="Longest clip, by its time stamps."
    )
    max_decoded_bytes: int = Field(
        default=_DEFAULT.max_decoded_bytes,
        ge=1 << 20,
        description="Most bytes the files of an archive of frames may unpack to.",
    )
    window_bytes: int = Field(
        default=_DEFAULT.window_bytes,
        ge=1 << 20,
        description="Memory for decoded frames: what a clip has more of is analysed in parts.",
    )
    max_decoder_bytes: int = Field(
        default=_DEFAULT.max_decoder_bytes,
        ge=1 << 26,
        description="Most address space the decoder itself may take.",
    )
    decode_timeout_s: Seconds = Field(
        default=_DEFAULT.timeout_s, description="Longest a clip may take to decode."
    )

    def limits(self) -> DecodeLimits:
        """The same as the decoder takes it."""
        return DecodeLimits(
            max_bytes=self.max_upload_bytes,
            max_pixels=self.max_pixels,
            max_frames=self.max_frames,
            max_duration_s=self.max_duration_s,
            max_decoded_bytes=self.max_decoded_bytes,
            window_bytes=self.window_bytes,
            max_decoder_bytes=self.max_decoder_bytes,
            timeout_s=self.decode_timeout_s,
        )


class WorkerSettings(ModelSettings, DecodeSettings, TelemetrySettings):
    """Everything a worker on the queue can be told."""

    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="Redis that holds the queue; may carry a password.",
    )
    blob_url: str = Field(
        description="Where clips and results lie: file:///folder, s3://bucket/prefix, ...",
        pattern=r"^[a-z][a-z0-9]*://",
    )
    outage_patience_s: Seconds = Field(
        default=120,
        description="Longest an attempt waits for models or blob store that are away.",
    )
    analysis_timeout_s: Seconds = Field(
        default=240,
        description="Longest the analysis of one clip may take, its first window decoded.",
    )
