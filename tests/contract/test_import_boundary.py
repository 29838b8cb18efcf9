import subprocess
import sys

import pytest

HEAVY = ("av", "numpy", "torch", "tritonclient", "cv2", "onnxruntime")


@pytest.mark.parametrize("module", ["service.app", "service.client", "service.cli"])
def test_service_loads_no_video_arrays_or_models(module: str) -> None:
    program = f"import sys, {module}; print(*sorted(set({HEAVY}) & set(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == []


def test_client_needs_no_queue_and_no_server() -> None:
    program = "import sys, service.client; print({'rq', 'redis', 'fastapi'} & set(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "set()"
