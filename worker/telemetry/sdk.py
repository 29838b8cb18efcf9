"""OpenTelemetry's SDK, set up. Not imported unless traces are wanted: it is an extra."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

_QUERY: Final = "url.query"
_PATIENCE_S: Final = 2.0
"""Longest that exporting at the end may take: somebody waits for that end."""


def export_in_background(target: str, service: str) -> Callable[[], None]:
    """Export all spans from now on, from a thread; call what is returned to export the rest."""
    provider = _provider(service, BatchSpanProcessor(_exporter(target)))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def export_at_the_end(target: str, service: str) -> Callable[[], None]:
    """Keep all spans from now on; call what is returned to export them, in the calling thread."""
    kept = InMemorySpanExporter()
    trace.set_tracer_provider(_provider(service, SimpleSpanProcessor(kept)))

    def export() -> None:
        exporter = _exporter(target, _PATIENCE_S)
        exporter.export(kept.get_finished_spans())
        exporter.shutdown()

    return export


def _provider(service: str, processor: SpanProcessor) -> TracerProvider:
    # Without a handler at exit: a forked process would run its parent's.
    provider = TracerProvider(
        resource=Resource.create({"service.name": service}), shutdown_on_exit=False
    )
    provider.add_span_processor(_WithoutQueries())
    provider.add_span_processor(processor)
    return provider


def _exporter(target: str, timeout_s: float | None = None) -> SpanExporter:
    match target:
        case "otlp":
            return OTLPSpanExporter(timeout=timeout_s)
        case "console":
            return ConsoleSpanExporter(formatter=_line)
        case _:
            return _FileExporter(Path(url2pathname(urlsplit(target).path)))


class _WithoutQueries(SpanProcessor):
    """What follows the `?` of an address may be a caller's tag: it is not told."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002
        if _QUERY in (span.attributes or {}):
            span.set_attribute(_QUERY, "REDACTED")


class _FileExporter(SpanExporter):
    """Appends spans to a file that other processes append to as well."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        # Line by line: what is larger than a buffer would be torn in two.
        with self._path.open("a", encoding="utf-8", buffering=1) as file:
            for span in spans:
                file.write(_line(span))
        return SpanExportResult.SUCCESS


def _line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"
