# ruff: noqa: INP001  # read by path, by detect-secrets
"""Which findings of the secret scan are none: passwords that tests make up."""

from detect_secrets.plugins.base import BasePlugin

_MADE_UP_IN_TESTS = {"Secret Keyword", "Basic Auth Credentials"}


def is_made_up(filename: str, plugin: BasePlugin, secret: str) -> bool:  # noqa: ARG001  # asked by names
    """Tests have passwords of their own. Real keys have forms of their own, and are found there."""
    return filename.startswith("tests/") and plugin.secret_type in _MADE_UP_IN_TESTS
