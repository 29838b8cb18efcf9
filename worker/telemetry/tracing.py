"""Spans, and the thread that leads from the gateway's to the worker's.

Where no traces are wanted nothing is made: a span is then a block like any other.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_TRACER: Final = trace.get_tracer("madv")
"""Stands for whatever tracer there will be."""
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_TRACEPARENT = "traceparent"
Attribute = str | bool | int | float | Sequence[str]


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    **attributes: Attribute,
) -> Iterator[Span]:
    """A span over a block. Of an error only its class is told: its message may say too much."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):  # nobody has set one
        yield trace.INVALID_SPAN
        return
    with _TRACER.start_as_current_span(
        name,
        kind=kind,
        attributes={f"madv.{key}": value for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            current.set_attribute("error.type", type(error).__qualname__)
            current.set_status(StatusCode.ERROR)
            raise


def note(**attributes: Attribute) -> None:
    """Say something about the span that is open."""
    current = trace.get_current_span()
    for key, value in attributes.items():
        current.set_attribute(f"madv.{key}", value)


def past_span(name: str, began_at: datetime) -> None:
    """A span that ends now and began in another process."""
    start_ns = int(began_at.timestamp() * 1e9)
    _TRACER.start_span(name, start_time=start_ns).end()


def traceparent() -> str | None:
    """The open span, as a W3C `traceparent`; None where nothing is traced."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get(_TRACEPARENT)


@contextmanager
def continued(sent: str | None) -> Iterator[None]:
    """Go on with the trace a `traceparent` leads to; with none, where it is none."""
    found = _PROPAGATOR.extract({_TRACEPARENT: sent or ""}, Context())
    token = context.attach(found)
    try:
        yield
    finally:
        context.detach(token)


def trace_id() -> str | None:
    """Of the open span, as 32 hexadecimal digits; None where nothing is traced."""
    current = trace.get_current_span().get_span_context()
    return trace.format_trace_id(current.trace_id) if current.is_valid else None
