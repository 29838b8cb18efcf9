"""`python -m training.evaluate NAME ... [--clips DIR] [--json FILE|-]`: the served models judged.

Every clip takes the way of the service: its video is decoded, the face found, registered and
cropped, and its action units measured against the frame at rest. `DIR` may hold generated clips
(`python -m training.synthetic`), real ones (`X.mp4` with `X.blendshapes.csv`), or both. Without it
clips of identities that no network was trained on are generated, and the real clips of the data
folder are taken where there are any.

`spotting` is about long films: a minute each, several micro-expressions among what else faces do.
With it `--clips DIR` is where films and traces are kept; films that are not there are made.

`flow --data FILE` is about real onset-to-apex flow, which networks that never saw any are asked.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
from rich.console import Console
from rich.progress import track

from training import data, flow_judge
from training.evaluation_clips import generate
from training.judges.judge import Report, Shown
from training.judges.panel import MODELS, Panel
from training.judges.real import real_clips
from training.served import ServedModels
from training.spotting import evaluate_spotting
from training.synthetic.archive import INDEX, SyntheticClip, read_clips, read_index
from training.synthetic.people import Groups, groups_of
from training.synthetic.portraits import portrait_names
from worker.backend import Deadline
from worker.errors import ClipError
from worker.observation import Observer
from worker.stopwatch import Stopwatch
from worker.strip import Observation, joined
from worker.task import Task
from worker.video.footage import open_footage
from worker.video.limits import DecodeLimits

SEED: Final = 20_250
COUNT: Final = 500
MINUTES: Final = 30
SPOTTING: Final = "spotting"
FLOW: Final = "flow"
_TIMEOUT_S: Final = 600.0


def main() -> None:
    """Parse the command line, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(_NAMES))
    parser.add_argument("--all", action="store_true", help="all of them, but for spotting and flow")
    parser.add_argument("--clips", type=Path, help="folder of generated clips, real ones, or both")
    parser.add_argument("--count", type=int, default=COUNT, help="events to generate (default 500)")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="to spot in (default 30)")
    parser.add_argument("--split", default="test", choices=["validation", "test"])
    parser.add_argument("--model-repo", type=Path, default=data.MODEL_REPO)
    parser.add_argument("--json", default="-", help="file for the figures, - for standard output")
    flow_judge.add_arguments(parser)
    chosen = parser.parse_args()
    names = list(MODELS) if chosen.all else chosen.names
    alone = _ALONE.get(names[0]) if len(names) == 1 else None
    if alone is None and (not names or set(names) - set(MODELS)):
        parser.error(f"name what to evaluate ({', '.join(_NAMES)}) or pass --all")
    if names == [FLOW] and chosen.data is None:
        parser.error("flow wants --data FILE")
    report = json.dumps(alone(chosen) if alone else _models(names, chosen), indent=2)
    if chosen.json == "-":
        sys.stdout.write(report + "\n")
    else:
        Path(chosen.json).write_text(report + "\n")


def _spotting(chosen: argparse.Namespace) -> Report:
    return evaluate_spotting(chosen.clips, chosen.split, chosen.minutes, chosen.model_repo)


_ALONE: Final[Mapping[str, Callable[[argparse.Namespace], Mapping[str, object]]]] = {
    SPOTTING: _spotting,
    FLOW: flow_judge.judge,
}
_NAMES: Final = (*MODELS, *_ALONE)


def _models(names: list[str], chosen: argparse.Namespace) -> Report:
    with _folders(chosen.clips, chosen.count, chosen.split) as folders:
        return evaluate(names, folders, chosen.model_repo)


def evaluate(names: list[str], folders: list[Path], model_repo: Path) -> Report:
    """Figures of each named model on the clips of these folders, and what the clips are."""
    cv2.setNumThreads(1)
    served = ServedModels(model_repo)
    archives = [folder for folder in folders if (folder / INDEX).is_file()]
    panel, watcher = Panel(names, served, model_repo, known_people(archives)), Watcher(served)
    for folder in archives:
        for clip in _shown_progress(folder):
            if seen := watcher.watch_generated(clip):
                panel.see(Shown(clip, seen))
    for folder in folders:
        for video, traces in real_clips(folder):
            if seen := watcher.watch(video):
                panel.see_real(video.stem, seen, traces)
    protocol: Report = {
        "generated": {str(index): about(folder) for index, folder in enumerate(archives)},
        "refused": {code: float(count) for code, count in watcher.refused.items()},
    }
    return {"protocol": protocol, **panel.report()}


def known_people(archives: list[Path]) -> dict[str, Groups]:
    """Groups of those people in the archives whose portraits lie in the data folder, if any do."""
    try:
        portraits = data.portraits_folder()
        there = set(portrait_names(portraits, "all"))
    except FileNotFoundError:
        return {}
    shown: set[str] = set()
    for folder in archives:
        identities = read_index(folder)["identities"]
        shown.update(identities if isinstance(identities, dict) else ())
    return groups_of(portraits, sorted(shown & there))


def about(folder: Path) -> Report:
    """What an archive says of itself, in short."""
    index = read_index(folder)
    kinds, identities = index["kinds"], index["identities"]
    return {
        "version": str(index["version"]),
        "seed": str(index["seed"]),
        "kinds": json.dumps(kinds),
        "identities": float(len(identities)) if isinstance(identities, dict) else 0.0,
    }


class Watcher:
    """Observes clips as the service does; clips it would refuse are counted by reason."""

    def __init__(self, served: ServedModels) -> None:
        self._observer = Observer(served)
        self.refused: Counter[str] = Counter()

    def watch(self, video: Path) -> Observation | None:
        """What is seen in a file, None where the service would refuse it."""
        task = Task(video.name, Deadline.after(_TIMEOUT_S), Stopwatch())
        try:
            with open_footage(video, DecodeLimits()) as footage:
                return joined(self._observer.observe(footage, task))
        except ClipError as error:
            self.refused[error.failure.code.value] += 1
            return None

    def watch_generated(self, clip: SyntheticClip) -> Observation | None:
        """The same for a clip in memory."""
        with tempfile.TemporaryDirectory() as folder:
            video = Path(folder) / f"{clip.name}.mp4"
            video.write_bytes(clip.video)
            return self.watch(video)


def _shown_progress(folder: Path) -> Iterator[SyntheticClip]:
    kinds = read_index(folder)["kinds"]
    count = sum(kinds.values()) if isinstance(kinds, dict) else None
    yield from track(read_clips(folder), "evaluating", count, console=Console(stderr=True))


@contextmanager
def _folders(chosen: Path | None, count: int, split: str) -> Iterator[list[Path]]:
    """The chosen folder, or freshly generated clips and the real ones."""
    if chosen is not None:
        yield [chosen]
        return
    with tempfile.TemporaryDirectory() as made:
        generate(Path(made) / "clips", split, count, SEED)
        real = data.data_folder() / "clips"
        yield [Path(made) / "clips", *([real] if real.is_dir() else [])]


if __name__ == "__main__":
    main()
