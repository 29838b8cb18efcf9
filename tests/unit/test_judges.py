"""The judges on made-up answers whose figures are known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from training.judges.amplitude import AmplitudeJudge
from training.judges.fairness import FairnessJudge
from training.judges.judge import Shown
from training.judges.phantom import PhantomJudge
from training.judges.real import RealJudge, real_clips
from training.judges.timing import TimingJudge
from training.synthetic.archive import Kind, SyntheticClip
from worker.domain import EventSpan, FaceBox, FloatArray
from worker.preprocess.stabilise import Placement
from worker.specs import AU_COUNT, AU_NAMES
from worker.strip import Anchor, Observation

FPS = 100
COUNT = 80
AU04, AU12 = AU_NAMES.index("AU04"), AU_NAMES.index("AU12")
SQUARE = np.eye(2, 3, dtype=np.float32)


@dataclass
class Answer:
    """A clip with an event of some height, and what a model makes of it."""

    height: float = 1.5
    kind: Kind = "event"
    seen: float = 1.0
    late: int = 0
    first: int = 0
    codec: str = "libx264"
    side: int = 256

    def shown(self) -> Shown:
        used = np.arange(self.first, COUNT)
        truth = bump(self.height)
        trace = np.roll(self.seen * truth, self.late, axis=0)[used]
        return Shown(self._clip(truth), observation(used, trace - trace[0]))

    def _clip(self, intensity: FloatArray) -> SyntheticClip:
        span = EventSpan(20, 40, 60) if self.kind == "event" else None
        pts_s, none = np.arange(COUNT) / FPS, np.zeros((COUNT, 6), np.float32)
        landmarks = np.zeros((COUNT, 68, 2), np.float32)
        facts = (self.kind, "somebody", "statistics", 0, float(FPS), self.codec, self.side, pts_s)
        return SyntheticClip("clip", *facts, intensity, span, none, b"", landmarks, {})


def bump(height: float) -> FloatArray:
    rise = np.interp(np.arange(COUNT), [20, 40, 60], [0, height, 0])
    intensity = np.zeros((COUNT, 2, AU_COUNT), np.float32)
    intensity[:, :, AU12] = rise[:, None]
    return intensity


def observation(used: np.ndarray, trace: FloatArray) -> Observation:
    face = FaceBox((0, 0, 1, 1), 1.0, np.zeros((5, 2), np.float32))
    placements = [Placement(SQUARE, (0.0, 0.0), 1.0)] * len(used)
    crops = np.zeros((len(used), 3, 1, 1), np.uint8)
    return Observation(
        anchor=Anchor(0, int(used[0]), face, SQUARE),
        judged=[("ok", 1.0)] * COUNT,
        used=used,
        pts_s=used / FPS,
        crops=crops,
        placements=placements,
        reference=crops[0],
        reference_frame=int(used[0]),
        trace=trace,
        seen_before=0,
        peaks=slice(None),
    )


def test_a_perfect_answer_has_full_marks() -> None:
    judge = AmplitudeJudge()
    judge.see(Answer().shown())

    report = judge.report()

    assert report["icc_mean"] == pytest.approx(1)
    assert report["mae_where_active_mean"] == pytest.approx(0, abs=1e-6)
    assert "AU12" not in str(report["absent"])
    assert "AU04" in str(report["absent"])


def test_what_is_stronger_than_a_micro_expression_is_left_out() -> None:
    judge = AmplitudeJudge()
    judge.see(Answer(height=1.0).shown())
    judge.see(Answer(height=4.0, seen=0.0).shown())

    assert judge.report()["icc_mean"] == pytest.approx(1)


def test_frames_that_were_not_analysed_do_not_shift_the_truth() -> None:
    judge = AmplitudeJudge()
    judge.see(Answer(first=10).shown())

    assert judge.report()["icc_mean"] == pytest.approx(1)


def test_phantoms_are_counted_in_still_and_turning_clips_alone() -> None:
    judge = PhantomJudge()
    stills = Answer(kind="still", height=0.4), Answer(kind="still", height=0.2, side=512)
    for answer in (Answer(), *stills, Answer(kind="rigid", height=0.2)):
        judge.see(answer.shown())

    still, rigid = judge.report()["still"], judge.report()["rigid"]
    assert isinstance(still, dict)
    assert isinstance(rigid, dict)
    assert (still["clips"], still["max"]) == (2, pytest.approx(0.4))
    assert still["clips_with_all_aus_under_0.3"] == 0.5
    assert still["of_them_by_size"] == {"256 px": 0.0, "512 px": 1.0}
    assert rigid["frames_with_all_aus_under_0.5"] == 1


def test_an_apex_two_frames_late_counts_and_one_five_frames_late_does_not() -> None:
    judge = TimingJudge()
    for late, side in ((0, 256), (2, 512), (5, 512)):
        judge.see(Answer(late=late, side=side).shown())

    report = judge.report()
    assert report["events"] == 3
    assert report["within_20_ms"] == pytest.approx(2 / 3, abs=1e-3)
    assert report["from_100_fps_by_size"] == {"256 px": 1.0, "512 px": 0.5}


def test_an_event_that_is_not_spotted_is_a_miss() -> None:
    judge = TimingJudge()
    judge.see(Answer(seen=0.0).shown())

    assert judge.report()["within_20_ms"] == 0


def test_real_traces_are_compared_where_they_move(tmp_path: Path) -> None:
    smile, brow = np.linspace(0, 0.8, 30), np.linspace(0, 0.1, 30)
    columns = ["mouthSmileLeft", "mouthSmileRight", "browDownLeft", "browDownRight"]
    others = ["jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "browInnerUp", "browOuterUpLeft"]
    others += ["browOuterUpRight", "eyeWideLeft", "eyeWideRight"]
    rows = [[s, s, b, b, *[0.0] * len(others)] for s, b in zip(smile, brow, strict=True)]
    text = "\n".join(",".join(map(str, row)) for row in [columns + others, *rows])
    (tmp_path / "one.blendshapes.csv").write_text(text)
    (tmp_path / "one.mp4").touch()
    (tmp_path / "alone.blendshapes.csv").touch()
    ((video, traces),) = real_clips(tmp_path)
    trace = np.zeros((30, 2, AU_COUNT), np.float32)
    trace[:, :, AU12] = (smile**2)[:, None]
    judge = RealJudge()

    judge.see(video.stem, observation(np.arange(30), trace), traces)

    assert judge.report()["spearman"] == {"one": {"AU12": 1.0}}
    assert judge.report()["brows_mean"] is None


def test_agreement_is_told_for_each_codec_and_each_size() -> None:
    judge = AmplitudeJudge()
    large = Answer(codec="mjpeg", side=512).shown()
    for shown in (large, Answer(codec="libx264", seen=-1.0).shown()):
        judge.see(shown)
    report = judge.report()
    assert report["icc_mean_by_codec"] == {"libx264": pytest.approx(-1), "mjpeg": pytest.approx(1)}
    assert report["icc_mean_by_size"] == {"256 px": pytest.approx(-1), "512 px": pytest.approx(1)}


def test_clips_of_a_size_in_which_nothing_moves_have_no_agreement() -> None:
    judge = AmplitudeJudge()
    for answer in (Answer(), Answer(height=0.0, side=384)):
        judge.see(answer.shown())

    by_size = judge.report()["icc_mean_by_size"]
    assert by_size == {"256 px": pytest.approx(1), "384 px": None}


def test_each_group_has_the_figures_of_its_people() -> None:
    judge = FairnessJudge({"somebody": {"age": "under 25", "skin tone": "light"}})
    judge.see(Answer().shown())
    judge.see(Answer(kind="still").shown())
    report = judge.report()
    assert set(report) == {"age", "skin tone"}
    assert report["age"] == {
        "under 25": {
            "people": 1,
            "clips": 1,
            "icc_mean": 1.0,
            "mae_mean": 0.0,
            "mae_where_active_mean": 0.0,
        }
    }


def test_of_people_of_whom_nothing_is_known_nothing_is_said() -> None:
    judge = FairnessJudge({})
    judge.see(Answer().shown())
    assert judge.report() == {}
