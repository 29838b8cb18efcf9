"""What one gateway counts. Sums over gateways are made by whoever scrapes them."""

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.process_collector import ProcessCollector

from service.state import Settlement
from service.telemetry.requests import RequestTimes


class Meters:
    """Counters of this process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = RequestTimes()
        self.registry.register(self.requests)
        ProcessCollector(registry=self.registry)
        self._uploads = Counter("madv_uploads", "Clips taken in whole.", registry=self.registry)
        self._upload_bytes = Counter(
            "madv_upload_bytes", "Bytes of clips taken in whole.", registry=self.registry
        )
        self._ended = Counter(
            "madv_jobs_ended",
            "Jobs this gateway has settled, by how they ended.",
            ["state", "code"],
            registry=self.registry,
        )
        self._deliveries = Counter(
            "madv_webhook_attempts",
            "Attempts at webhooks: delivered, pending (tried again), failed or disabled.",
            ["outcome"],
            registry=self.registry,
        )

    def take_upload(self, size: int) -> None:
        """A clip has been stored; its size in bytes."""
        self._uploads.inc()
        self._upload_bytes.inc(size)

    def end_job(self, settlement: Settlement) -> None:
        """A job has been settled by this gateway."""
        code = "" if settlement.failure is None else settlement.failure.code
        self._ended.labels(settlement.state, code).inc()

    def attempt_delivery(self, outcome: str) -> None:
        """An attempt at a webhook has been made."""
        self._deliveries.labels(outcome).inc()
