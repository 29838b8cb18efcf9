"""Figures for Prometheus. They are about all tenants, so that no tenant's key will do."""

from secrets import compare_digest

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from fastapi.security.utils import get_authorization_scheme_param

from service.auth import Scope, require
from service.dependencies import GatewayDep
from service.store.connection import OUTAGES
from service.store.jobs import utc_now
from service.telemetry.exposition import expose

router = APIRouter(include_in_schema=False)
_admin = require(Scope.ADMIN)


async def _scraper(request: Request, gateway: GatewayDep) -> None:
    """Raise a problem for whoever has neither the scraper's token nor a key with `admin`."""
    scheme, sent = get_authorization_scheme_param(request.headers.get("authorization"))
    if scheme.lower() != "bearer":
        await _admin(request, None)
        return
    token = gateway.settings.metrics_token
    wanted = "" if token is None else token.get_secret_value()
    if not wanted or not compare_digest(sent.encode(), wanted.encode()):
        await _admin(request, HTTPAuthorizationCredentials(scheme=scheme, credentials=sent))


@router.get("/metrics", dependencies=[Depends(_scraper)])
async def metrics(request: Request, gateway: GatewayDep) -> Response:
    """What this gateway counts, how the queue stands, and what all workers have counted."""
    try:
        standings = await gateway.standings.read(utc_now())
    except OUTAGES:
        standings = None
    body, content_type = expose(gateway.meters, standings, request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})
