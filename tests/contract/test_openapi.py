from pathlib import Path

from service.openapi import golden_document

GOLDEN = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_interface_is_the_one_that_is_written_down() -> None:
    """Where a change is meant: `python -m service openapi docs/openapi.json`."""
    assert golden_document() == GOLDEN.read_text(encoding="utf-8")
