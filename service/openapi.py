"""The description of the HTTP interface as it is kept in `docs/openapi.json`."""

import json

from service.app import create_app
from service.settings import GatewaySettings


def golden_document() -> str:
    """The OpenAPI document of a gateway, the same for every machine and setting."""
    settings = GatewaySettings(blob_url="memory:///")
    return json.dumps(create_app(settings).openapi(), indent=1, ensure_ascii=False) + "\n"
