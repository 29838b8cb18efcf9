"""Where installed packages lie, found without importing them."""

import importlib.util
from pathlib import Path


def package_folder(package: str) -> Path | None:
    """The folder of an installed package, or None."""
    spec = importlib.util.find_spec(package)
    locations = spec.submodule_search_locations if spec else None
    return Path(next(iter(locations))) if locations else None
