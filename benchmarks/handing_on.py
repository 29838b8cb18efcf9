"""What a benchmark found, for machines."""

import json
from collections.abc import Mapping
from pathlib import Path


def hand_on(found: Mapping[str, object], json_to: str | None) -> None:
    """Write it as JSON to a file, to standard output for `-`, nowhere for None."""
    document = json.dumps(found, indent=2)
    if json_to == "-":
        print(document)
    elif json_to is not None:
        Path(json_to).write_text(document + "\n", encoding="utf-8")
