"""Makes the page's gallery: clips whose truth is known, sent through the service as any clip is.

All show the one portrait that may be shipped, that of the demo (`worker/demo/clip.py`).
"""

import json
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2
from rich.console import Console

from service.client import MadvClient
from service.embedded.stack import EmbeddedStack, StackConfig
from service.schemas import RecognizeOptions
from worker.contract import AnalysisReport
from worker.demo.clip import DemoEvent, demo_frames
from worker.domain import Image
from worker.video.encode import write_clip

GALLERY: Final = Path(__file__).parents[2] / "service" / "web" / "public" / "gallery"
ABOUT: Final = (
    "Results of clips in which it is known what happens: a public-domain portrait whose face is "
    "moved by the action units of a 3D model, sent through the service as any clip is. What comes "
    "out is shown as it came, right or wrong."
)
_PICTURE: Final = (140, 30, 180)
"""Left, top and side of the picture that stands for a clip, around the face."""
_PICTURE_SIDE: Final = 240


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A clip of the gallery: what it is called, what happens in it, at how many frames a second."""

    id: str
    title: str
    truth: str
    event: DemoEvent
    fps: int


EXHIBITS: Final = (
    Exhibit(
        "smile",
        "A smile",
        "Cheek raiser (2.0) and lip corner puller (2.5) on both sides for half a second; 100 "
        "frames per second.",
        DemoEvent(),
        100,
    ),
    Exhibit(
        "surprise",
        "Raised brows",
        "Inner and outer brow raiser (2.5 each) and upper lid raiser (2.0) for 0.4 s; 100 frames "
        "per second.",
        DemoEvent(0.40, 0.55, 0.80, "surprise", {"AU01": 2.5, "AU02": 2.5, "AU05": 2.0}),
        100,
    ),
    Exhibit(
        "disgust",
        "A wrinkled nose",
        "Nose wrinkler (2.5) and upper lip raiser (1.5) for 0.4 s; 100 frames per second.",
        DemoEvent(0.40, 0.58, 0.80, "disgust", {"AU09": 2.5, "AU10": 1.5}),
        100,
    ),
    Exhibit(
        "one-sided",
        "One corner of the mouth",
        "Lip corner puller (2.0) and dimpler (1.5) on her left side alone; 100 frames per second.",
        DemoEvent(0.40, 0.60, 0.90, "contempt", {"AU12": 2.0, "AU14": 1.5}, ("left",)),
        100,
    ),
    Exhibit(
        "too-few-frames",
        "The smile at 12 frames per second",
        "The very same smile, filmed so slowly that its rise falls between three frames.",
        DemoEvent(),
        12,
    ),
    Exhibit(
        "still",
        "A face that keeps still",
        "Nothing moves; what differs from frame to frame is noise. 60 frames per second.",
        DemoEvent(label="neutral", action_units={}),
        60,
    ),
)


def main() -> None:
    """Make all of it anew."""
    console = Console()
    GALLERY.mkdir(parents=True, exist_ok=True)
    for old in GALLERY.iterdir():
        old.unlink()
    with (
        tempfile.TemporaryDirectory(prefix="madv-gallery-") as folder,
        EmbeddedStack(StackConfig(Path(folder))) as stack,
        MadvClient(stack.gateway_url) as client,
    ):
        answers = {}
        for exhibit in EXHIBITS:
            report = _make(exhibit, client)
            answers[exhibit.id] = _answer(report)
            evidence = " ".join(event.evidence for event in report.events)
            console.print(f"{exhibit.id}: {answers[exhibit.id]} {evidence}")
    catalogue = {
        "about": ABOUT,
        "command": "make gallery",
        "exhibits": [
            {
                "id": one.id,
                "title": one.title,
                "truth": one.truth,
                "answer": answers[one.id],
                "clip": f"{one.id}.mp4",
                "result": f"{one.id}.json",
                "picture": f"{one.id}.jpg",
            }
            for one in EXHIBITS
        ],
    }
    text = json.dumps(catalogue, indent=1, ensure_ascii=False) + "\n"
    (GALLERY / "index.json").write_text(text, encoding="utf-8")
    total = sum(file.stat().st_size for file in GALLERY.iterdir())
    console.print(f"{total / 1e6:.2f} MB in {GALLERY}")


def _make(exhibit: Exhibit, client: MadvClient) -> AnalysisReport:
    """Write a clip, its result and its picture."""
    frames = list(demo_frames(exhibit.event, exhibit.fps))
    clip = GALLERY / f"{exhibit.id}.mp4"
    write_clip(clip, frames, Fraction(exhibit.fps))
    report = client.recognize(clip, RecognizeOptions(explain=True))
    # Nobody can ask for that job.
    told = report.model_copy(update={"job_id": None})
    clip.with_suffix(".json").write_text(told.model_dump_json(by_alias=True) + "\n", "utf-8")
    _write_picture(clip.with_suffix(".jpg"), frames[round(exhibit.event.apex_s * exhibit.fps)])
    return report


def _write_picture(path: Path, frame: Image) -> None:
    left, top, side = _PICTURE
    face = cv2.cvtColor(frame[top : top + side, left : left + side], cv2.COLOR_RGB2BGR)
    large = cv2.resize(face, (_PICTURE_SIDE, _PICTURE_SIDE), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), large, (cv2.IMWRITE_JPEG_QUALITY, 82))


def _answer(report: AnalysisReport) -> str:
    """What the service says, in a few words."""
    prediction = report.prediction
    if not report.events or prediction is None:
        return "No micro-expression found."
    if prediction.abstained:
        return f"Undecided: the frame rate is {report.adequacy.verdict}."
    return f"{prediction.label.capitalize()}, {prediction.probabilities[prediction.label]:.0%}."


if __name__ == "__main__":
    main()
