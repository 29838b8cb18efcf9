"""How the parts of one stack find each other: ports, password, folders, environment."""

import secrets
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.embedded.ports import LOOPBACK, free_ports
from service.embedded.processes import Command


@dataclass(frozen=True, slots=True)
class Wiring:
    """Addresses and folders of one stack. `triton_port` is None with the in-process backend."""

    data_dir: Path
    model_repo: Path
    redis_port: int
    redis_password: str
    triton_port: int | None
    gateway_port: int
    settings: Mapping[str, str]

    @classmethod
    def plan(
        cls,
        data_dir: Path,
        model_repo: Path,
        *,
        gateway_port: int | None,
        with_triton: bool,
        settings: Mapping[str, str],
    ) -> "Wiring":
        """Free ports, a new password."""
        redis_port, triton_port, free_port = free_ports(3)
        return cls(
            data_dir=data_dir,
            model_repo=model_repo,
            redis_port=redis_port,
            redis_password=secrets.token_urlsafe(24),
            triton_port=triton_port if with_triton else None,
            gateway_port=gateway_port or free_port,
            settings=settings,
        )

    @property
    def gateway_url(self) -> str:
        """Where clips go."""
        return f"http://{LOOPBACK}:{self.gateway_port}"

    @property
    def redis_url(self) -> str:
        """Where Redis is, with its password."""
        return f"redis://:{self.redis_password}@{LOOPBACK}:{self.redis_port}/0"

    def log(self, name: str) -> Path:
        """The log file of a part."""
        return self.data_dir / "logs" / f"{name}.log"

    def environment(self) -> dict[str, str]:
        """What workers and gateway are told."""
        triton_url = "" if self.triton_port is None else f"{LOOPBACK}:{self.triton_port}"
        return {
            **self.settings,
            "MADV_REDIS_URL": self.redis_url,
            "MADV_TRITON_URL": triton_url,
            "MADV_BLOB_URL": (self.data_dir / "blobs").as_uri(),
            "MADV_AUDIT_URL": (self.data_dir / "audit").as_uri(),
            "MADV_MODEL_REPO": str(self.model_repo),
        }

    def worker(self, name: str, sub_command: str) -> Command:
        """One of the worker's sub-commands as a child. `service` never imports the worker."""
        return Command(
            name,
            (sys.executable, "-m", "worker", sub_command),
            self.log(name),
            env=self.environment(),
            # On SIGTERM a worker finishes its job first, which nobody would wait for.
            death_signal=signal.SIGKILL,
            grace_s=5.0,
        )

    def gateway(self) -> Command:
        """The gateway as a child: on loopback, and without API keys unless `settings` say so."""
        own = {"MADV_HOST": LOOPBACK, "MADV_PORT": str(self.gateway_port)}
        return Command(
            "gateway",
            (sys.executable, "-m", "service"),
            self.log("gateway"),
            env={"MADV_AUTH": "off", **self.environment(), **own},
        )
