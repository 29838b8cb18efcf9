"""The manifests for Kubernetes, judged without a cluster."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject, TriggerAuthentication
from redis import Redis

from service.queue import ClipQueue
from worker.contract import QUEUE_NAME

BIN = Path(sys.executable).parent
KUBERNETES = Path(__file__).parents[2] / "docker/kubernetes"
KEDA = {"ScaledObject": ScaledObject, "TriggerAuthentication": TriggerAuthentication}
"""Made of the schemas of KEDA's own kinds."""

Document = dict[str, Any]


@pytest.fixture
def assert_valid(tmp_path: Path) -> Callable[[list[Document]], None]:
    """Every field of every document is one that the schema of its kind knows."""

    def check(documents: list[Document]) -> None:
        of_keda = [d for d in documents if d["apiVersion"].startswith("keda.sh/")]
        others = [d for d in documents if d not in of_keda]
        for document in of_keda:
            known = KEDA[document["kind"]].model_validate(document)
            # What the schema does not know is dropped.
            assert known.model_dump(mode="json", by_alias=True, exclude_unset=True) == document
        if others:
            file = tmp_path / "documents.json"
            file.write_text("\n---\n".join(map(json.dumps, others)), encoding="utf-8")
            validate = (BIN / "kubernetes-validate", "--strict", file)
            done = subprocess.run(validate, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr

    return check


def _documents(text: str) -> list[Document]:
    return [document for document in yaml.safe_load_all(text) if document]


def _built(folder: Path) -> list[Document]:
    """What kustomize makes of an overlay."""
    kustomize = (BIN / "kubectl", "kustomize", folder)
    done = subprocess.run(kustomize, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return _documents(done.stdout)


def _one(documents: list[Document], kind: str, name: str) -> Document:
    (found,) = (d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name))
    return found


@pytest.mark.parametrize("file", sorted(KUBERNETES.glob("base/[!k]*.yaml")), ids=lambda f: f.name)
def test_every_field_is_known(file: Path, assert_valid: Callable[[list[Document]], None]) -> None:
    assert_valid(_documents(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_overlays_build_and_are_valid(
    overlay: str, assert_valid: Callable[[list[Document]], None]
) -> None:
    documents = _built(KUBERNETES / overlay)
    assert_valid(documents)
    pod = _one(documents, "Deployment", "triton")["spec"]["template"]["spec"]
    assert ("nvidia.com/gpu" in pod["containers"][0]["resources"]["limits"]) == (overlay == "gpu")
    assert ("nodeSelector" in pod) == (overlay == "gpu")


def test_workers_are_also_counted_by_the_age_of_the_oldest_clip(
    tmp_path: Path, assert_valid: Callable[[list[Document]], None]
) -> None:
    # Kustomize wants paths below its own root, so the overlay of a user is one beside ours.
    (tmp_path / "kubernetes").symlink_to(KUBERNETES)
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["kubernetes/cpu"],
        "components": ["kubernetes/queue-age"],
    }
    (tmp_path / "kustomization.yaml").write_text(json.dumps(overlay), encoding="utf-8")
    documents = _built(tmp_path)
    assert_valid(documents)
    triggers = _one(documents, "ScaledObject", "worker")["spec"]["triggers"]
    assert [trigger["type"] for trigger in triggers] == ["redis", "prometheus"]


def test_workers_are_counted_by_the_queue_they_work_on() -> None:
    documents = _documents((KUBERNETES / "base/scaling.yaml").read_text(encoding="utf-8"))
    spec = _one(documents, "ScaledObject", "worker")["spec"]
    assert spec["triggers"][0]["metadata"]["listName"] == f"rq:queue:{QUEUE_NAME}"
    assert spec["scaleTargetRef"] == {"name": "worker"}


def test_queue_has_the_key_that_scaling_reads() -> None:
    queue = ClipQueue(Redis(), attempt_timeout_s=1, retries=0)
    assert queue.list_key == f"rq:queue:{QUEUE_NAME}"
