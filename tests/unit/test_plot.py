import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from obstore.store import LocalStore

from worker.contract import AnalysisReport, Mode, PlotPayload, plot_key, result_key
from worker.jobs import draw_stored
from worker.report.keyframes import key_frames
from worker.report.plot import DPI, SIZE_IN, draw
from worker.report.style import spread
from worker.specs import AU_NAMES, COARSE_LABELS, LABELS, LEVELS
from worker.video.encode import write_clip

FPS = 25
FRAMES = 30
STORED = PlotPayload(result_key=result_key("job_1"), plot_key=plot_key("job_1"))
Rows = list[dict[str, object]]


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(7)
    still = rng.integers(0, 255, (96, 96, 3)).astype(np.uint8)
    path = tmp_path_factory.mktemp("plot") / "clip.mp4"
    write_clip(path, (np.roll(still, shift, axis=1) for shift in range(FRAMES)), Fraction(FPS))
    return path


def rows(active: dict[str, float], nulls: range = range(0)) -> Rows:
    """One row per frame; the active AUs peak in the middle."""
    peak = np.array([active.get(name, 0.0) for name in AU_NAMES])
    return [
        {
            "index": index,
            "pts_s": index / FPS,
            "status": "no_face" if index in nulls else "ok",
            "confidence": 0.9,
            "intensity": None if index in nulls else list(peak * np.sin(np.pi * index / FRAMES)),
        }
        for index in range(FRAMES)
    ]


def event(onset: int, apex: int, offset: int) -> dict[str, object]:
    frames = {"onset": onset, "apex": apex, "offset": offset}
    return {
        **{f"{name}_frame": index for name, index in frames.items()},
        **{f"{name}_s": index / FPS for name, index in frames.items()},
        "probabilities": dict.fromkeys(LABELS, 1 / len(LABELS)),
        "action_units": {},
    }


def report(frames: Rows, *events: dict[str, object], reason: str = "40 ms") -> AnalysisReport:
    even = dict.fromkeys(LABELS, 1 / len(LABELS))
    document = {
        "schema": "madv.result/1",
        "job_id": None,
        "clip": {
            "sha256": "0" * 64,
            "frames": FRAMES,
            "duration_s": 1.2,
            "fps": FPS,
            "vfr": False,
            "width": 96,
            "height": 96,
            "rotation": 0,
        },
        "adequacy": {"verdict": "coarse", "reason": reason},
        "face": {
            "frame": 0,
            "box": (10, 10, 80, 80),
            "confidence": 0.9,
            "alignment": ((1.2, 0.1, 0.0), (-0.1, 1.2, 0.0)),
        },
        "model": {
            "name": "madvnet",
            "version": "1",
            "digest": "sha256:" + "a" * 64,
            "preprocess": "sha256:" + "b" * 64,
            "trained_on": ["synthetic-me v1"] * 9,
        },
        "prediction": {
            "label": LABELS[0],
            "probabilities": even,
            "coarse": dict.fromkeys(COARSE_LABELS, 1 / 3),
            "confidence": "uncalibrated",
            "abstained": not events,
            "gate": {"low": 1.0},
            "level_probabilities": dict.fromkeys(LEVELS, even),
        },
        "events": list(events),
        "action_units": {"names": list(AU_NAMES), "frames": frames},
        "decode": {
            "container": "mp4",
            "codec": "h264",
            "frames_decoded": FRAMES,
            "frames_used": FRAMES,
            "warnings": [],
        },
        "timings_ms": {},
    }
    return AnalysisReport.model_validate(document)


REPORTS = {
    "a smile": report(rows({"AU06": 1.5, "AU12": 2.5}), event(8, 14, 22)),
    "no event": report(rows({})),
    "more active AUs than colours": report(rows(dict.fromkeys(AU_NAMES, 2.0)), event(8, 14, 22)),
    "negative intensities": report(rows({"AU12": -2.0, "AU25": -5.0}), event(8, 14, 22)),
    "event at the very start": report(rows({"AU04": 1.0}), event(0, 0, 1)),
    "event at the very end": report(rows({"AU04": 1.0}), event(28, 29, 29)),
    "several events": report(rows({"AU04": 1.0}), event(2, 4, 6), event(10, 12, 14)),
    "frames without a face": report(rows({"AU04": 1.0}, range(5, 9)), event(10, 14, 20)),
    "no row with intensities": report(rows({}, range(FRAMES))),
    "one frame": report(rows({})[:1]),
    "rows past the last decodable frame": report(rows({}) + rows({})),
    "a search in vain": report(rows({})).model_copy(update={"mode": Mode.SPOT, "prediction": None}),
    "a long reason": report(rows({}), reason="because of this and that and " * 20),
}


def size(png: bytes) -> tuple[int, ...]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_becomes_a_slide(name: str, clip_path: Path) -> None:
    report = REPORTS[name]
    for frames in (key_frames(report, clip_path), []):
        png = draw(report, "clip.mp4", frames)
        assert size(png) == tuple(int(side * DPI) for side in SIZE_IN)


def test_a_result_is_always_drawn_alike(clip_path: Path) -> None:
    report = REPORTS["a smile"]
    assert draw(report, "clip") == draw(report, "clip")
    assert draw(report, "clip") != draw(report, "clip", key_frames(report, clip_path))


def test_odd_file_names_are_drawn() -> None:
    odd = f"表情 $x_1$ {'long ' * 30}\n.mp4"
    assert size(draw(REPORTS["a smile"], odd))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a blob store that holds one result."""
    path = tmp_path / STORED.result_key
    path.parent.mkdir()
    path.write_text(REPORTS["a smile"].model_dump_json(by_alias=True), encoding="utf-8")
    return tmp_path


def test_a_stored_result_is_drawn_as_often_as_asked(folder: Path) -> None:
    for _ in range(2):
        assert draw_stored(STORED, LocalStore(folder), draw)
        assert size((folder / STORED.plot_key).read_bytes())


def test_what_has_been_erased_is_not_drawn(folder: Path) -> None:
    (folder / STORED.result_key).unlink()

    assert not draw_stored(STORED, LocalStore(folder), draw)
    assert not (folder / STORED.plot_key).exists()


def test_nothing_is_left_of_a_result_erased_while_it_is_drawn(folder: Path) -> None:
    def erase_and_draw(report: AnalysisReport, name: str) -> bytes:
        (folder / STORED.result_key).unlink()
        return draw(report, name)

    assert not draw_stored(STORED, LocalStore(folder), erase_and_draw)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_spread_leaves_distant_labels_alone() -> None:
    wanted = np.array([0.8, 0.1, 0.4])
    assert np.allclose(spread(wanted, 0.1, 0.0, 1.0), wanted)


@pytest.mark.parametrize("wanted", [[0.5, 0.5, 0.5], [0.0, 0.01, 0.9], [1.0, 0.99, 0.98, 0.2]])
def test_spread_keeps_gaps_order_and_limits(wanted: list[float]) -> None:
    placed = spread(np.array(wanted), 0.1, 0.02, 0.98)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(placed[order]) >= 0.1 - 1e-9).all()
    assert placed.min() >= 0.02 - 1e-9
    assert placed.max() <= 0.98 + 1e-9


def test_spread_without_enough_room_is_even() -> None:
    assert np.allclose(np.diff(spread(np.full(5, 0.5), 0.4, 0.0, 1.0)), 0.25)
