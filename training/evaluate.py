"""`python -m training.evaluate NAME ... [--clips DIR] [--json FILE|-]`: the served models judged.

Every clip takes the way of the service: its video is decoded, the face found, registered and
cropped, and its action units measured against the frame at rest. `DIR` may hold generated clips
(`python -m training.synthetic`), real ones (`X.mp4` with `X.blendshapes.csv`), or both. Without it
clips of identities that no network was trained on are generated, and the real clips of the data
folder are taken where there are any.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
from rich.console import Console
from rich.progress import track

from training import data
from training.evaluation_clips import generate
from training.judges.judge import Report, Shown
from training.judges.panel import MODELS, Panel
from training.judges.real import real_clips
from training.served import ServedModels
from training.synthetic.archive import INDEX, SyntheticClip, read_clips, read_index
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
_TIMEOUT_S: Final = 600.0


def main() -> None:
    """Parse the command line, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODELS))
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--clips", type=Path, help="folder of generated clips, real ones, or both")
    parser.add_argument("--count", type=int, default=COUNT, help="events to generate (default 500)")
    parser.add_argument("--split", default="test", choices=["validation", "test"])
    parser.add_argument("--model-repo", type=Path, default=data.MODEL_REPO)
    parser.add_argument("--json", default="-", help="file for the figures, - for standard output")
    chosen = parser.parse_args()
    names = list(MODELS) if chosen.all else chosen.names
    if not names or set(names) - set(MODELS):
        parser.error(f"name what to evaluate ({', '.join(MODELS)}) or pass --all")
    with _folders(chosen.clips, chosen.count, chosen.split) as folders:
        report = json.dumps(evaluate(names, folders, chosen.model_repo), indent=2)
    if chosen.json == "-":
        sys.stdout.write(report + "\n")
    else:
        Path(chosen.json).write_text(report + "\n")


def evaluate(names: list[str], folders: list[Path], model_repo: Path) -> Report:
    """Figures of each named model on the clips of these folders, and what the clips are."""
    cv2.setNumThreads(1)
    served = ServedModels(model_repo)
    panel, watcher = Panel(names, served, model_repo), Watcher(served)
    archives = [folder for folder in folders if (folder / INDEX).is_file()]
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
