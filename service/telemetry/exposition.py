"""Everything there is to scrape, in the format the scraper asks for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.store.standings import Standings
from service.telemetry.meters import Meters
from worker.telemetry.figures import FIGURES, Figure, samples


def expose(meters: Meters, standings: Standings | None, accept: str) -> tuple[bytes, str]:
    """The document and its content type. `standings` is None while Redis does not answer."""
    encode, content_type = choose_encoder(accept)
    return encode(_Both(meters.registry, standings)), content_type


@dataclass(frozen=True, slots=True)
class _Both(Collector):
    """This process's counters, then what all gateways share."""

    own: CollectorRegistry
    standings: Standings | None

    def collect(self) -> Iterator[Metric]:
        yield from self.own.collect()
        is_up = self.standings is not None
        yield GaugeMetricFamily("madv_redis_up", "Whether Redis answers.", value=float(is_up))
        if self.standings is not None:
            yield from _gauges(self.standings)
            for figure in FIGURES:
                yield _family(figure, self.standings)


def _gauges(standings: Standings) -> Iterable[Metric]:
    jobs = GaugeMetricFamily("madv_jobs", "Jobs that have not ended, by state.", labels=["state"])
    jobs.add_metric(["queued"], standings.waiting)
    jobs.add_metric(["processing"], standings.processing)
    yield jobs
    plain = (
        ("madv_queue_depth", "Jobs that wait for a worker.", standings.waiting),
        (
            "madv_queue_oldest_age_seconds",
            "For how long the oldest waiting job has waited; 0 where none does.",
            standings.oldest_age_s,
        ),
        ("madv_uploads_under_way", "Uploads that are not jobs yet.", standings.uploading),
        ("madv_workers", "Workers with a heartbeat.", standings.workers),
    )
    for name, explains, value in plain:
        yield GaugeMetricFamily(name, explains, value=value)


def _family(figure: Figure, standings: Standings) -> Metric:
    if not figure.bounds:
        counter = CounterMetricFamily(figure.name, figure.explains, labels=figure.labels)
        for labels, summed in samples(figure, standings.tally):
            counter.add_metric(labels, summed.total)
        return counter
    histogram = HistogramMetricFamily(figure.name, figure.explains, labels=figure.labels)
    ends = [*(str(float(bound)) for bound in figure.bounds), "+Inf"]
    for labels, summed in samples(figure, standings.tally):
        buckets = list(zip(ends, accumulate(summed.buckets), strict=True))
        histogram.add_metric(labels, buckets, summed.sum)
    return histogram
