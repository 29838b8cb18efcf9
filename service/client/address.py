"""Where the service is and who calls it: arguments first, then the environment."""

import os

DEFAULT_URL = "http://127.0.0.1:8000"


def settled_url(told: str | None) -> str:
    """The address told, that of `MADV_URL`, or this machine's."""
    return told or os.environ.get("MADV_URL") or DEFAULT_URL


def authorization(told: str | None) -> dict[str, str]:
    """The header of the key told or of `MADV_API_KEY`; none where there is no key.

    Raises:
        ValueError: A header cannot carry the key. The message does not repeat it.
    """
    key = (told or os.environ.get("MADV_API_KEY") or "").strip()
    if not key:
        return {}
    # The HTTP library's own error would show the key.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("the API key holds characters that no API key has")
    return {"Authorization": f"Bearer {key}"}
