"""The gateway's composition root."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from importlib.metadata import version

from fastapi import FastAPI

from service import blobs as blob_store
from service import jobs as job_store
from service.blobs import Blobs
from service.dependencies import Gateway
from service.errors import install_handlers
from service.intake import Intake
from service.jobs import JobStore, connect
from service.queue import ClipQueue
from service.readiness import ReadinessChecks
from service.request_id import RequestId
from service.routes import health, jobs, recognize
from service.schemas import Problem
from service.settings import GatewaySettings
from service.sweeper import Sweeper
from service.upload import ByteCap


def create_app(settings: GatewaySettings) -> FastAPI:
    """The gateway as an ASGI application. Nothing is opened before it starts."""
    app = FastAPI(
        title="madv",
        summary="Recognises facial micro-expressions in video clips.",
        version=version("madv"),
        lifespan=_lifespan(settings),
        responses={"default": {"model": Problem, "description": "A problem (RFC 9457)"}},
    )
    for routes in (recognize, jobs, health):
        app.include_router(routes.router)
    install_handlers(app, (*job_store.OUTAGES, *blob_store.OUTAGES))
    # Added last is outermost: a refusal for size also carries a request id.
    app.add_middleware(ByteCap, max_upload_bytes=settings.max_upload_bytes)
    app.add_middleware(RequestId)
    return app


def _lifespan(settings: GatewaySettings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        """Open Redis and the blob store, sweep while the app runs, close both."""
        with closing(
            connect(settings.redis_url.get_secret_value(), settings.redis_timeout_s)
        ) as redis:
            queue = ClipQueue(
                redis, deadline_s=settings.job_deadline_s, retries=settings.job_retries
            )
            jobs = JobStore(redis, queue, tombstone_s=settings.tombstone_s)
            blobs = Blobs(settings.blob_url)
            app.state.gateway = _gateway(settings, queue, jobs, blobs)
            sweeper = Sweeper(
                jobs, queue, blobs, settings.job_deadline_s, settings.sweep_interval_s
            )
            async with _in_background(sweeper.run()):
                yield

    return lifespan


def _gateway(settings: GatewaySettings, queue: ClipQueue, jobs: JobStore, blobs: Blobs) -> Gateway:
    return Gateway(
        settings=settings,
        jobs=jobs,
        blobs=blobs,
        intake=Intake(settings, jobs, blobs),
        readiness=ReadinessChecks(
            jobs, queue, blobs, settings.probe_after_s, settings.probe_stale_s
        ),
    )


@asynccontextmanager
async def _in_background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
