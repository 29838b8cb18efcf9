"""The gateway's composition root."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from starlette.types import ASGIApp, Scope

from service import blobs as blob_store
from service.audit.sealer import Sealer
from service.audit.segments import Segments
from service.auth import KeyBeforeBody, OpenDoor
from service.blobs import Blobs
from service.dependencies import Gateway
from service.errors import install_handlers
from service.intake import Intake
from service.interface.document import install_description
from service.janitor import Janitor
from service.loopback import LoopbackGuard
from service.polling import PlainPolls
from service.queue import ClipQueue
from service.readiness import ReadinessChecks
from service.receipts import Receipts
from service.request_id import RequestId
from service.routes import batches, health, info, jobs, metrics, receipts, recognize, webhooks
from service.routes.page import page_routes
from service.schemas import Problem
from service.settings import GatewaySettings
from service.store import connection
from service.store.accounts import Accounts
from service.store.agenda import Agenda
from service.store.audit import AuditTrail
from service.store.batches import BatchStore
from service.store.capabilities import CapabilityBoard
from service.store.compaction import Compaction
from service.store.events import Changes, EventLog
from service.store.jobs import JobStore
from service.store.listing import Listing
from service.store.rates import Rates
from service.store.seeds import receipt_seed
from service.store.standings import StandingsReader
from service.store.submission import Submissions
from service.store.together import Scripts
from service.store.webhooks import WebhookStore
from service.submitting import PlainUploads
from service.telemetry.meters import Meters
from service.telemetry.requests import Timed
from service.tidings import Tidings
from service.upload import ByteCap
from service.webhooks.webhooks import Webhooks
from worker.telemetry.export import in_background

OUTAGES = (*connection.OUTAGES, *blob_store.OUTAGES)
"""What unreachable neighbours raise."""
_CANCEL_AGAIN_S = 0.5


def create_app(settings: GatewaySettings) -> FastAPI:
    """The application of `create_gateway`. Nothing is opened before it starts."""
    app = FastAPI(
        title="madv",
        summary="Recognises facial micro-expressions in video clips.",
        version=version("madv"),
        lifespan=_lifespan(settings),
        responses={"default": {"model": Problem, "description": "A problem (RFC 9457)"}},
        # What logs and operation spans would tell includes messages of errors.
        telemetry={"metrics": False, "logs": False, "operation_spans": False, "exclude": _is_watch},
    )
    app.state.meters = Meters()
    for routes in (recognize, jobs, receipts, webhooks, batches, info, health, metrics):
        app.include_router(routes.router)
    app.include_router(page_routes())
    install_description(app)
    install_handlers(app, OUTAGES)
    return app


def create_gateway(settings: GatewaySettings) -> ASGIApp:
    """What is served: the application, and around it what comes before a web framework.

    Every answer carries a request id, and nothing is done for strangers, so these are outermost.
    """
    app = create_app(settings)
    times = app.state.meters.requests
    guarded = app if settings.auth == "off" else KeyBeforeBody(app, app.state)
    # The framework makes the span that the caller's trace goes on in.
    uploads = guarded if settings.traces else PlainUploads(guarded, app.state, OUTAGES)
    capped = ByteCap(uploads, settings.max_upload_bytes, settings.upload_timeout_s)
    polled = PlainPolls(Timed(capped, times), app.state, settings.retry_after_s, times)
    return RequestId(LoopbackGuard(polled) if settings.auth == "off" else polled)


def _is_watch(scope: Scope) -> bool:
    """Whether a request is of those that watch the service, which would fill every trace."""
    path = str(scope["path"])
    return path == "/metrics" or path.startswith("/v1/health/")


def _lifespan(settings: GatewaySettings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Open Redis and the blob store, keep house while the app runs, close both."""
        url = settings.redis_url.get_secret_value()
        redis = connection.connect_async(url, settings.redis_timeout_s)
        rq_redis = connection.connect(url, settings.redis_timeout_s)
        gateway = compose(settings, redis, rq_redis, app.state.meters)
        app.state.gateway = gateway
        app.state.keyring = OpenDoor() if settings.auth == "off" else Accounts(redis)
        app.state.job_reader = gateway.jobs.reader
        janitor = gateway.janitor
        audit_url = settings.audit_url or f"{settings.blob_url.rstrip('/')}/audit"
        sealer = Sealer(gateway.trail, Segments(audit_url), settings.audit_seal_s)
        try:
            with in_background(settings.traces, "madv-gateway"):
                async with _in_background(
                    gateway.changes.listen(),
                    janitor.settle_at_once(),
                    janitor.recover_lost(),
                    janitor.tidy_up(),
                    gateway.webhooks.run(),
                    sealer.run(),
                ):
                    yield
        finally:
            await redis.aclose()
            rq_redis.close()

    return lifespan


def compose(
    settings: GatewaySettings, redis: AsyncRedis, rq_redis: Redis, meters: Meters
) -> Gateway:
    """The parts of a gateway on open connections."""
    queue = ClipQueue(
        rq_redis, attempt_timeout_s=settings.attempt_timeout_s, retries=settings.job_retries
    )
    scripts = Scripts(redis)
    store = JobStore(redis, scripts, queue, tombstone_s=settings.tombstone_s, on_end=meters.end_job)
    submissions = Submissions(
        scripts,
        rq_redis,
        queue,
        tombstone_s=settings.tombstone_s,
        claim_s=settings.idempotency_ttl_s,
        max_queued=settings.max_queued,
        upload_timeout_s=settings.upload_timeout_s,
    )
    blobs = Blobs(settings.blob_url)
    trail = AuditTrail(redis, scripts)
    board = CapabilityBoard(redis)
    changes = Changes(redis)
    batch_store = BatchStore(redis, queue)
    tidings = Tidings(store, batch_store, settings.tombstone_s)
    hooks = Webhooks.plan(settings, WebhookStore(redis), tidings.notice, meters.attempt_delivery)
    return Gateway(
        settings=settings,
        queue=queue,
        jobs=store,
        listing=Listing(redis, store),
        events=EventLog(redis),
        changes=changes,
        batches=batch_store,
        blobs=blobs,
        board=board,
        intake=Intake(settings, submissions, store, blobs, board, meters),
        rates=Rates(redis),
        webhooks=hooks,
        janitor=Janitor(
            store,
            submissions,
            Agenda(redis),
            queue,
            blobs,
            changes,
            trail,
            Compaction(redis, settings.compact_interval_s),
            settings.sweep_interval_s,
        ),
        readiness=ReadinessChecks(
            store, queue, blobs, settings.probe_after_s, settings.probe_stale_s
        ),
        meters=meters,
        standings=StandingsReader(redis, queue),
        trail=trail,
        receipts=Receipts(settings.receipt_key, partial(receipt_seed, redis)),
    )


@asynccontextmanager
async def _in_background(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        await _end(set(tasks))


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: a call to Redis may swallow one cancellation."""
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=_CANCEL_AGAIN_S)
