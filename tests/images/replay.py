"""What an image would hold, made without a container engine: its Dockerfile's steps in a folder."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from dockerfile_parse import DockerfileParser

REPOSITORY = Path(__file__).parents[2]
_ABSOLUTE = re.compile(r"(?<![\w./])/(?=(?:opt|src|data|work|tmp)(?:/|\b))")
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass
class Image:
    """A stage of a Dockerfile in a folder that stands for its file system."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    user: str = ""
    folder: str = "/"

    def argv(self, words: Sequence[str], before: Sequence[str] = ()) -> list[str]:
        """A command of the image as this machine runs it: no privileges, folders of its own.

        `before` is what becomes the command: words of this machine, not of the image.
        """
        python = str(self.root / "opt/madv/bin/python")
        own = [python if word == "python" else self.translate(word) for word in words]
        return [*_unprivileged(), *before, *own]

    def environment(self, told: Mapping[str, str]) -> dict[str, str]:
        """All that its processes know."""
        env = {name: self.translate(value) for name, value in self.env.items()}
        return {"PATH": _SYSTEM_PATH, "HOME": str(self.root / "tmp"), **env, **told}

    def run(
        self,
        words: Sequence[str],
        told: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, as `docker exec` would."""
        return subprocess.run(
            self.argv(words, before),
            env=self.environment(told or {}),
            cwd=self.root / self.folder.lstrip("/"),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def translate(self, text: str) -> str:
        """Paths of the image as paths of this machine."""
        return _ABSOLUTE.sub(f"{self.root}/", text)

    def packages(self) -> set[str]:
        """Names of what can be imported beside the standard library."""
        (site,) = self.root.glob("opt/madv/lib/python3*/site-packages")
        return {entry.name.partition(".")[0] for entry in site.iterdir()}

    def seal(self) -> None:
        """Make it read-only but for /tmp and what volumes are mounted on."""
        writable = [self.root / name for name in ("tmp", "data", "work")]
        for folder in writable:
            folder.mkdir(exist_ok=True)
        (self.root / "data/blobs").mkdir(exist_ok=True)
        for path in (self.root, *self.root.rglob("*")):
            if not path.is_symlink() and not any(path.is_relative_to(w) for w in writable):
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)

    def unseal(self) -> None:
        """So that it can be removed."""
        for path in (self.root, *self.root.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)


Edit = Callable[[str], str]


@contextmanager
def image_builder() -> Iterator[Callable[..., Image]]:
    """Makes images: `build(name, stage=None, edit=None)`, gone with the block.

    Takes the name of a folder in docker/, the last stage that is wanted, and what changes the
    lock files that are copied in.
    """
    made: list[Image] = []
    with tempfile.TemporaryDirectory(prefix="madv-images-") as scratch:

        def build(name: str, stage: str | None = None, edit: Edit | None = None) -> Image:
            image = _Replay(name, Path(scratch, name), edit).up_to(stage)
            image.seal()
            made.append(image)
            return image

        yield build
        for image in made:
            image.unseal()


@dataclass
class _Replay:
    """Steps of one Dockerfile; each stage has a folder, one on top of another takes its over."""

    name: str
    folder: Path
    edit: Edit | None
    stages: dict[str, Image] = field(default_factory=dict)

    def up_to(self, last: str | None) -> Image:
        parser = DockerfileParser(str(REPOSITORY / "docker" / self.name / "Dockerfile"))
        image = Image(self.folder)
        stage = ""
        for step in parser.structure:
            kind, value = step["instruction"], " ".join(step["value"].split())
            if kind == "FROM":
                if stage and stage == last:
                    break
                image, stage = self._begin(value)
            elif apply := getattr(self, f"_{kind.lower()}", None):
                apply(image, value)
        return image

    def _begin(self, value: str) -> tuple[Image, str]:
        base, _, stage = value.partition(" AS ")
        image = self.stages.get(base) or Image(self.folder / (stage or "final"))
        image.root.mkdir(parents=True, exist_ok=True)
        self.stages[stage] = image
        return image, stage

    def _workdir(self, image: Image, value: str) -> None:
        image.folder = value
        (image.root / value.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _copy(self, image: Image, value: str) -> None:
        option, words = "", value.split()
        if words[0].startswith("--from="):
            option, words = words[0].removeprefix("--from="), words[1:]
        *sources, target = words
        goal = Path(image.root, os.path.relpath(Path(image.folder, target), "/"))
        into = target == "." or target.endswith("/")
        for source in sources:
            final = goal / Path(source).name if into else goal
            if option:
                final.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(self.stages[option].root / source.lstrip("/"), final)
            else:
                self._copy_in(REPOSITORY / source, final)

    def _copy_in(self, source: Path, goal: Path) -> None:
        assert source.exists(), f"{source} is not there to be copied"
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            no_face = ("model.onnx",) if source.name == "face" else ()
            built = ("node_modules", "dist")  # as .dockerignore leaves them out
            ignored = shutil.ignore_patterns("__pycache__", *built, *no_face)
            shutil.copytree(source, goal, ignore=ignored, dirs_exist_ok=True)
        elif self.edit is not None and source.suffix == ".txt":
            goal.write_text(self.edit(source.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            shutil.copy2(source, goal)

    def _run(self, image: Image, value: str) -> None:
        if value.startswith("groupadd"):  # of its folders `seal` makes those that are written to
            return
        # Wheels fetched for one image, or for the tests themselves, do for the next.
        command = image.translate(value.replace("--no-cache-dir ", ""))
        done = subprocess.run(
            ["sh", "-euc", command],
            cwd=image.root / image.folder.lstrip("/"),
            env=_build_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"

    def _env(self, image: Image, value: str) -> None:
        known = {"PATH": _SYSTEM_PATH, **image.env}
        for pair in shlex.split(value):
            name, _, text = pair.partition("=")
            image.env[name] = Template(text).safe_substitute(known)

    def _user(self, image: Image, value: str) -> None:
        image.user = value

    def _cmd(self, image: Image, value: str) -> None:
        image.command = json.loads(value)

    def _healthcheck(self, image: Image, value: str) -> None:
        _, _, command = value.partition("CMD ")
        image.health = json.loads(command) if command else []


def _build_environment() -> dict[str, str]:
    """This machine's, with the interpreter in front that this environment is made of."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env.pop("VIRTUAL_ENV", None)
    path = f"{sys.base_prefix}/bin{os.pathsep}{env['PATH']}"
    # Images hold compiled modules, which takes as long as all the rest and changes nothing here.
    return {**env, "PATH": path, "PIP_NO_COMPILE": "1"}


def _unprivileged() -> list[str]:
    """In front of a command: root loses its privileges, others have none."""
    return [] if os.geteuid() else ["unshare", "--user"]
