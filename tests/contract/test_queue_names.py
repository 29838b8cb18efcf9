import importlib
import inspect

import pytest

from worker.contract import ANALYSE_FUNCTION, PLOT_FUNCTION, PROBE_FUNCTION


@pytest.mark.parametrize(
    ("name", "arguments"), [(ANALYSE_FUNCTION, 1), (PLOT_FUNCTION, 1), (PROBE_FUNCTION, 0)]
)
def test_what_the_gateway_enqueues_exists_in_the_worker(name: str, arguments: int) -> None:
    module, _, attribute = name.rpartition(".")
    function = getattr(importlib.import_module(module), attribute)
    assert len(inspect.signature(function).parameters) == arguments
