"""`python -m service` runs one gateway, configured by `MADV_*` environment variables."""

import uvicorn

from service.app import create_app
from service.settings import GatewaySettings


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    settings = GatewaySettings()  # type: ignore[call-arg]  # filled from the environment
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
