"""Clips of several windows, people who move, several faces: real video, the models in process."""

import weakref
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest

from worker.backend import Deadline
from worker.contract import AnalysisReport, Event, Faces, Mode
from worker.demo.clip import DEMO_EVENT, DURATION_S, FPS, PORTRAIT_LANDMARKS, demo_frames
from worker.domain import Frame, Image
from worker.models.registry import recognizer
from worker.observation import Observer
from worker.pipeline import Pipeline
from worker.settings import ModelSettings
from worker.specs import AU_NAMES
from worker.stopwatch import Stopwatch
from worker.strip import joined
from worker.task import Task
from worker.triton.inprocess import InProcessBackend
from worker.video.encode import write_clip
from worker.video.footage import FileFootage, open_footage
from worker.video.limits import DecodeLimits
from worker.video.stream import open_clip

AU12 = AU_NAMES.index("AU12")
TIMES = 4
PART = 24
WINDOW = 72
WIDTH = 560
WAY = 96
"""How far people go up or down, in pixels: four times the distance of their eyes."""
LATER = 20
PARTS = DecodeLimits(window_frames=PART)


@pytest.fixture(scope="module")
def models() -> Iterator[InProcessBackend]:
    with InProcessBackend(ModelSettings().model_repo) as backend:
        yield backend


@pytest.fixture(scope="module")
def smiles() -> list[Image]:
    """The demo at half its size."""
    return [np.ascontiguousarray(image[::2, ::2]) for image in demo_frames()]


@pytest.fixture(scope="module")
def long_clip(smiles: list[Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo again and again."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    write_clip(path, chain.from_iterable([smiles] * TIMES), Fraction(FPS))
    return path


def task(mode: Mode = Mode.CLIP, faces: Faces = Faces.MAIN, *, explain: bool = False) -> Task:
    deadline = Deadline.after(120.0)
    return Task("0" * 64, deadline, Stopwatch(), mode=mode, faces=faces, explain=explain)


def analysed(
    path: Path, models: InProcessBackend, errand: Task | None = None, *, window: int = WINDOW
) -> AnalysisReport:
    pipeline = Pipeline(models, recognizer("madvnet"), window=window)
    with open_footage(path, PARTS) as footage:
        return pipeline.analyse(footage, errand or task())


class Guarded(FileFootage):
    """Footage that counts how many of its frames are in memory."""

    most_alive = 0

    def windows(self) -> Iterator[Sequence[Frame]]:
        images: list[weakref.ref[Image]] = []
        for window in super().windows():
            images += [weakref.ref(frame.image) for frame in window if frame.image is not None]
            self.most_alive = max(self.most_alive, sum(image() is not None for image in images))
            yield window
            del window


def test_every_event_of_a_long_clip_is_named(long_clip: Path, models: InProcessBackend) -> None:
    report = analysed(long_clip, models)

    apexes = sorted(event.apex_s for event in report.events)
    due = [DEMO_EVENT.apex_s + DURATION_S * number for number in range(TIMES)]
    assert apexes == pytest.approx(due, abs=0.06)
    assert report.events[0].probabilities == report.prediction.probabilities
    assert [row.index for row in report.action_units.frames] == list(range(report.clip.frames))
    assert {row.status for row in report.action_units.frames} == {"ok"}


def test_a_clip_in_parts_reads_like_the_clip_as_a_whole(
    long_clip: Path, models: InProcessBackend
) -> None:
    def seen(limits: DecodeLimits, window: int) -> np.ndarray:
        with open_footage(long_clip, limits) as footage:
            return joined(Observer(models, window=window).observe(footage, task())).trace

    parts = seen(PARTS, WINDOW)
    whole = seen(DecodeLimits(), 600)

    assert parts.shape == whole.shape
    assert np.corrcoef(parts[..., AU12].ravel(), whole[..., AU12].ravel())[0, 1] > 0.98
    assert np.abs(np.diff(parts, axis=0)).max() < 1.0  # nothing jumps from part to part


def test_memory_is_that_of_a_window(long_clip: Path, models: InProcessBackend) -> None:
    with open_clip(long_clip, PARTS) as stream:
        footage = Guarded(stream, PARTS)
        held = [len(seen.used) for seen in Observer(models, window=WINDOW).observe(footage, task())]

    assert footage.most_alive <= PART + 1
    assert len(held) > TIMES
    assert max(held) <= WINDOW + PART


def test_a_head_that_turns_for_good_is_followed_from_another_anchor(
    smiles: list[Image], tmp_path: Path, models: InProcessBackend
) -> None:
    write_clip(tmp_path / "turned.mp4", [*smiles, *map(turned, smiles)], Fraction(FPS))

    with open_footage(tmp_path / "turned.mp4", PARTS) as footage:
        windows = list(Observer(models, window=WINDOW).observe(footage, task()))

    first, last = windows[0], windows[-1]
    assert first.anchor.frame < len(smiles) <= last.anchor.frame
    assert first.reference_frame < len(smiles) <= last.reference_frame
    assert [status for status, _ in last.judged].count("ok") > 0.9 * 2 * len(smiles)
    later = joined(seen for seen in windows if seen.anchor.frame == last.anchor.frame)
    apex = later.pts_s[later.trace[..., AU12].mean(axis=1).argmax()] - DURATION_S
    assert apex == pytest.approx(DEMO_EVENT.apex_s, abs=0.06)


def test_every_face_has_a_report_of_its_own(
    smiles: list[Image], tmp_path: Path, models: InProcessBackend
) -> None:
    write_clip(tmp_path / "two.mp4", two_people(smiles), Fraction(FPS))

    report = analysed(tmp_path / "two.mp4", models, task(faces=Faces.ALL, explain=True))

    assert [face.track_id for face in report.faces] == [0, 1]
    assert report.faces[0].action_units == report.action_units
    assert report.faces[0].prediction == report.prediction
    smiled = {}
    for face in report.faces:
        rows = face.action_units.frames
        assert [row.status for row in rows].count("ok") > 0.9 * len(smiles)
        is_left = face.face.box[0] < WIDTH / 2
        smiled[is_left] = [event.apex_s for event in face.events]
        assert bool(_middle(face.events[0])[0] < WIDTH / 2) == is_left
    assert smiled[True][0] == pytest.approx(DEMO_EVENT.apex_s, abs=0.06)
    assert smiled[False][0] == pytest.approx(DEMO_EVENT.apex_s + LATER / FPS, abs=0.06)


def _middle(event: Event) -> np.ndarray:
    """Where the middle of what is explained lies in the frame."""
    assert event.explanation is not None
    grid = event.explanation.grid
    return np.array(grid.apex) @ (grid.columns / 2, grid.rows / 2, 1)


def test_others_are_left_out_unless_asked_for(
    smiles: list[Image], tmp_path: Path, models: InProcessBackend
) -> None:
    write_clip(tmp_path / "two.mp4", list(two_people(smiles))[:12], Fraction(FPS))

    assert analysed(tmp_path / "two.mp4", models).faces == []


@pytest.mark.parametrize("window", [WINDOW, 240])
def test_every_micro_expression_is_listed_where_that_is_asked_for(
    window: int, long_clip: Path, models: InProcessBackend
) -> None:
    report = analysed(long_clip, models, task(Mode.SPOT, explain=True), window=window)

    assert report.mode is Mode.SPOT
    in_time = sorted(report.events, key=lambda event: event.apex_s)
    true = DEMO_EVENT.apex_s + DURATION_S * np.arange(TIMES)
    assert [event.apex_s for event in in_time] == pytest.approx(true, abs=0.07)
    lasts_s = [event.offset_s - event.onset_s for event in in_time]
    assert lasts_s == pytest.approx([DEMO_EVENT.offset_s - DEMO_EVENT.onset_s] * TIMES, abs=0.15)
    assert all(max(event.action_units.values()) > 0.5 for event in in_time)
    assert all(event.explanation and event.explanation.attention for event in in_time)
    assert report.prediction is not None
    assert report.prediction.probabilities == report.events[0].probabilities


def test_where_nothing_happens_no_micro_expression_is_listed(
    smiles: list[Image], tmp_path: Path, models: InProcessBackend
) -> None:
    write_clip(tmp_path / "still.mp4", smiles[: round(DEMO_EVENT.onset_s * FPS)], Fraction(FPS))

    report = analysed(tmp_path / "still.mp4", models, task(Mode.SPOT))

    assert (report.events, report.prediction) == ([], None)
    assert len(report.action_units.frames) == report.clip.frames


def turned(image: Image) -> Image:
    """As wide as a head that has turned away by 45 degrees, in the same place."""
    middle = (PORTRAIT_LANDMARKS[0][0] + PORTRAIT_LANDMARKS[1][0]) / 4
    narrow = np.array([[0.7, 0.0, 0.3 * middle], [0.0, 1.0, 0.0]])
    size = (image.shape[1], image.shape[0])
    warped = cv2.warpAffine(image, narrow, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.uint8)


def two_people(smiles: list[Image]) -> Iterator[Image]:
    """One goes down, while the other, who smiles later, goes up."""
    height, width = smiles[0].shape[:2]
    for number, image in enumerate(smiles):
        frame = np.full((height + WAY, WIDTH, 3), 90, np.uint8)
        down = round(WAY * number / len(smiles))
        frame[down : down + height, :width] = image
        other = smiles[(number - LATER) % len(smiles)][:, ::-1]
        frame[WAY - down : WAY - down + height, WIDTH - width :] = other
        yield frame
