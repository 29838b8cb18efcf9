"""Sound clips to make hostile ones of."""

import pytest
from sources import Sources


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """Written once."""
    return Sources(tmp_path_factory.mktemp("sources"))
