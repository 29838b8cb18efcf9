"""The pipeline over a scripted model server: what it makes of known answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from worker.backend import Deadline, ModelDescription, Tensor, TensorDescription
from worker.contract import AnalysisReport, ErrorCode, Progress
from worker.domain import Clip, FloatArray, Frame
from worker.errors import BackendTimeout, ClipError
from worker.models.registry import recognizer
from worker.pipeline import Pipeline
from worker.preprocess.reference import PROBED
from worker.specs import AU_COUNT, AU_NAMES, CLIP_FRAMES, GATES, LABELS, LEVELS, PLACES
from worker.stopwatch import Stopwatch
from worker.task import Task

FPS = 60
COUNT = 90
PATTERN = np.kron(np.random.default_rng(4).integers(0, 256, (8, 8, 1)), np.ones((8, 8, 3)))
AU12 = AU_NAMES.index("AU12")
ONSET, APEX, OFFSET = 30, 42, 60


def always(time_s: float) -> bool:
    return time_s >= 0


@dataclass
class Script:
    """Sees a face while `face_at` says so, and a smile between onset and offset.

    Frames and crops carry their number in their pixels, so it knows what it is asked about.
    """

    face_at: Callable[[float], bool] = always
    smile: float = 2.0
    requests: list[tuple[str, dict[str, Tensor]]] = field(default_factory=list)
    calibration: Mapping[str, str] = field(default_factory=dict)
    attends: bool = False
    """Gives attention, too: each frame a place to the right, each level one down."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def describe(self, model: str, deadline: Deadline) -> ModelDescription:
        assert not deadline.is_over
        parameters = {
            "version": "3",
            "digest": "sha256:weights",
            "preprocess_digest": "sha256:crops",
            "trained_on": "made-up data,more of it",
            **self.calibration,
        }
        given = (TensorDescription("attention", "FP32", ()),) if self.attends else ()
        return ModelDescription(model, (), given, 0, parameters)

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> dict[str, FloatArray]:
        deadline.remaining_s()
        self.requests.append((model, dict(inputs)))
        answers = {"face": self._face, "au": self._au, "recognize": self._recognize}[model](inputs)
        return {name: answers[name] for name in outputs}

    def _face(self, inputs: Mapping[str, Tensor]) -> dict[str, FloatArray]:
        """One face of 128 pixels in the middle of a frame of 256."""
        count = len(inputs["image"])
        numbers = inputs["image"][:, 0, 0, 0]
        answers = {
            name: np.zeros((count, channels, 64, 64), np.float32)
            for name, channels in (("heatmap", 1), ("scale", 2), ("offset", 2), ("landmarks", 10))
        }
        answers["heatmap"][:, 0, 32, 32] = [0.9 * self.face_at(n / FPS) for n in numbers]
        answers["scale"][:, :, 32, 32] = np.log(32)
        points = [(0.35, 0.3), (0.35, 0.7), (0.55, 0.5), (0.75, 0.35), (0.75, 0.65)]
        answers["landmarks"][:, :, 32, 32] = np.ravel(points)
        return answers

    def _au(self, inputs: Mapping[str, Tensor]) -> dict[str, FloatArray]:
        numbers = inputs["crops"][:, 0, 0, 0].astype(float)
        trace = np.zeros((len(numbers), 2, AU_COUNT), np.float32)
        rise = np.interp(numbers, [ONSET, APEX, OFFSET], [0.0, self.smile, 0.0], left=0, right=0)
        trace[:, 0, AU12], trace[:, 1, AU12] = rise, -rise / 2
        return {"action_units": trace}

    def _recognize(self, inputs: Mapping[str, Tensor]) -> dict[str, FloatArray]:
        probabilities = np.full(len(LABELS), 0.05, np.float32)
        probabilities[0] = 0.65
        return {
            "probabilities": probabilities,
            "level_probabilities": np.tile(probabilities, (len(LEVELS), 1)),
            "gate": np.array([0.1, 0.4, 0.2, 0.3], np.float32),
            "attention": self._attention(),
            **self._au(inputs),
        }

    def _attention(self) -> FloatArray:
        pictures = np.zeros((CLIP_FRAMES, len(LEVELS), PLACES, PLACES), np.float32)
        for at in range(PLACES):
            for level in range(len(LEVELS)):
                pictures[at, level, level, at] = 1.0
        return pictures


def frame(number: int) -> np.ndarray:
    """A frame of one gray level that says its number, with a still pattern on the face."""
    image = np.full((256, 256, 3), number, np.uint8)
    image[96:160, 96:160] = PATTERN
    return image


def clip(count: int = COUNT, fps: float = FPS, broken: tuple[int, ...] = ()) -> Clip:
    frames = [Frame(i, i / fps, None if i in broken else frame(i)) for i in range(count)]
    return Clip(tuple(frames), "mp4", "h264", 90, Fraction(60), ("as decoded",))


def analyse(
    script: Script,
    what: Clip,
    report_progress: Callable[[Progress], None] = lambda _: None,
    timeout_s: float = 30.0,
    *,
    explain: bool = False,
) -> AnalysisReport:
    deadline = Deadline.after(timeout_s)
    task = Task("abc", deadline, Stopwatch(), "job_1", report_progress, explain=explain)
    return Pipeline(script, recognizer("madvnet")).analyse(what, task)


def test_rows_are_the_decoded_frames() -> None:
    report = analyse(Script(), clip())

    rows = report.action_units.frames
    assert [row.index for row in rows] == list(range(COUNT))
    assert [row.pts_s for row in rows] == pytest.approx([i / FPS for i in range(COUNT)], abs=1e-5)
    assert {row.status for row in rows} == {"ok"}
    assert report.action_units.names == list(AU_NAMES)
    assert rows[APEX].intensity is not None
    assert rows[APEX].intensity[AU12] == pytest.approx(2.0)


def test_the_event_is_where_the_trace_has_it() -> None:
    report = analyse(Script(), clip())

    (event,) = report.events
    assert event.apex_frame == pytest.approx(APEX, abs=2)
    assert event.onset_frame == pytest.approx(ONSET, abs=4)
    assert event.offset_frame == pytest.approx(OFFSET, abs=6)
    assert event.apex_s == pytest.approx(event.apex_frame / FPS, abs=1e-5)
    assert event.action_units["AU12"] == pytest.approx(2.0, abs=0.35)
    assert event.probabilities == report.prediction.probabilities


def test_the_recognizer_sees_the_event_from_its_onset() -> None:
    script = Script()

    report = analyse(script, clip())

    model, inputs = script.requests[-1]
    assert model == "recognize"
    numbers = inputs["crops"][:, 0, 0, 0]
    assert len(numbers) == CLIP_FRAMES
    assert (numbers[0], numbers[-1]) == (
        report.events[0].onset_frame,
        report.events[0].offset_frame,
    )
    assert inputs["reference"][0, 0, 0, 0] == report.events[0].onset_frame


def test_without_an_event_the_whole_clip_is_judged() -> None:
    script = Script(smile=0.0)

    report = analyse(script, clip())

    numbers = script.requests[-1][1]["crops"][:, 0, 0, 0]
    assert report.events == []
    assert (numbers[0], numbers[-1]) == (0, COUNT - 1)


def test_the_report_says_what_was_analysed_and_by_what() -> None:
    report = analyse(Script(), clip())

    assert report.job_id == "job_1"
    assert (report.clip.sha256, report.clip.frames, report.clip.rotation) == ("abc", COUNT, 90)
    assert (report.clip.width, report.clip.height, report.clip.vfr) == (256, 256, False)
    assert report.clip.fps == pytest.approx(FPS)
    assert report.clip.duration_s == pytest.approx(COUNT / FPS)
    assert report.adequacy.verdict == "coarse"
    assert report.face.frame == 0
    assert report.face.box == pytest.approx((66, 66, 194, 194), abs=0.1)
    assert (report.model.name, report.model.version) == ("madvnet", "3")
    assert report.model.trained_on == ["made-up data", "more of it"]
    assert report.prediction.label == "happiness"
    assert sum(report.prediction.probabilities.values()) == pytest.approx(1.0)
    assert sum(report.prediction.coarse.values()) == pytest.approx(1.0)
    assert set(report.prediction.level_probabilities) == set(LEVELS)
    assert set(report.prediction.gate) == set(GATES)
    assert not report.prediction.abstained
    assert report.decode.warnings == ["as decoded"]
    assert {"face", "align", "au", "spot", "recognize", "total"} <= set(report.timings_ms)
    assert AnalysisReport.model_validate_json(report.model_dump_json(by_alias=True)) == report


def test_windows_share_a_crop_of_the_face_at_rest_as_reference() -> None:
    script = Script()

    analyse(script, clip())

    probe, *windows = [inputs for model, inputs in script.requests if model == "au"]
    assert len(probe["crops"]) == PROBED
    assert [len(inputs["crops"]) for inputs in windows] == [64, 26]
    (reference,) = {int(inputs["reference"][0, 0, 0, 0]) for inputs in windows}
    assert not ONSET < reference < OFFSET


def test_frames_without_a_face_or_a_picture_keep_their_rows() -> None:
    report = analyse(Script(face_at=lambda time_s: time_s < 1.0), clip(broken=(5, 80)))

    statuses = [row.status for row in report.action_units.frames]
    assert statuses[:5] == ["ok"] * 5
    assert statuses[5] == statuses[80] == "decode_error"
    assert statuses[-9:] == ["no_face"] * 9
    assert report.decode.frames_used == statuses.count("ok")
    assert report.decode.frames_decoded == COUNT
    for row in report.action_units.frames:
        assert (row.intensity is None) == (row.status != "ok")
        assert (row.confidence > 0) == (row.status == "ok")


def test_events_after_lost_frames_keep_their_numbers() -> None:
    report = analyse(Script(), clip(broken=tuple(range(10, 20))))

    assert report.events[0].apex_frame == pytest.approx(APEX, abs=2)


@pytest.mark.parametrize(
    ("what", "script", "code"),
    [
        (clip(count=2), Script(), ErrorCode.TOO_SHORT),
        (clip(count=4, broken=(0, 2)), Script(), ErrorCode.TOO_SHORT),
        (clip(), Script(face_at=lambda _: False), ErrorCode.NO_FACE),
        (clip(fps=2), Script(face_at=lambda time_s: time_s < 2 / FPS), ErrorCode.TOO_SHORT),
    ],
)
def test_what_cannot_be_analysed(what: Clip, script: Script, code: ErrorCode) -> None:
    with pytest.raises(ClipError) as caught:
        analyse(script, what)

    assert caught.value.failure.code is code


def test_too_few_frames_per_second_are_said_and_not_decided_on() -> None:
    report = analyse(Script(), clip(fps=10))

    assert report.adequacy.verdict == "inadequate"
    assert report.prediction.abstained


def test_progress_names_the_stages_in_order() -> None:
    seen: list[Progress] = []

    analyse(Script(), clip(), seen.append)

    assert [(progress.stage, progress.frames_done, progress.frames_total) for progress in seen] == [
        ("face", 0, COUNT),
        ("align", 0, COUNT),
        ("action_units", 0, COUNT),
        ("action_units", 64, COUNT),
        ("recognize", CLIP_FRAMES, CLIP_FRAMES),
    ]


def test_one_deadline_covers_all_steps() -> None:
    with pytest.raises(BackendTimeout):
        analyse(Script(), clip(), timeout_s=0.0)


@pytest.mark.parametrize(("below", "abstained"), [("0.2", False), ("0.9", True)])
def test_a_calibrated_model_is_believed_as_far_as_it_says(below: str, *, abstained: bool) -> None:
    report = analyse(Script(calibration={"temperature": "2", "abstain_below": below}), clip())

    assert report.prediction is not None
    assert report.prediction.confidence == "calibrated"
    assert report.prediction.abstained is abstained
    shares = np.sqrt([0.65, 0.05])
    assert report.prediction.probabilities["happiness"] == pytest.approx(
        shares[0] / (shares[0] + 7 * shares[1]), abs=1e-5
    )
    assert report.events[0].probabilities == report.prediction.probabilities


def test_the_evidence_is_that_of_the_side_that_moves() -> None:
    (event,) = analyse(Script(), clip()).events

    assert event.sides["left"]["AU12"] == event.action_units["AU12"]
    assert event.sides["right"]["AU12"] == pytest.approx(-event.action_units["AU12"] / 2)
    rises, falls = event.sides["left"]["AU12"], -event.sides["right"]["AU12"]
    assert event.evidence.startswith(f"AU12 rises {rises:.1f} on the left and falls {falls:.1f}")
    assert event.explanation is None


def test_an_event_is_explained_where_that_is_asked_for() -> None:
    script = Script(attends=True)

    plain, report = analyse(Script(attends=True), clip()), analyse(script, clip(), explain=True)

    (event,) = report.events
    explained = event.explanation
    assert explained is not None
    assert event.model_copy(update={"explanation": None}) == plain.events[0]
    numbers = script.requests[-1][1]["crops"][:, 0, 0, 0].astype(int)
    nearest = int(np.abs(numbers - event.apex_frame).argmin())
    attention = np.array(explained.attention)
    assert attention.shape == (explained.grid.rows, explained.grid.columns) == (PLACES, PLACES)
    # The levels' own shares of the fusion, against the greatest.
    assert attention[: len(LEVELS), nearest] == pytest.approx([0.25, 1.0, 0.5])
    assert attention.sum() == pytest.approx(1.75)
    assert np.shape(explained.motion) == (PLACES, PLACES, 2)
    assert np.median(np.abs(explained.motion)) < 0.1
    # The face fills the middle of the frame, and stays where it is.
    corners = np.array([[0, 0, 1], [PLACES, PLACES, 1]]) @ np.array(explained.grid.onset).T
    assert (corners[0] < 128).all()
    assert (corners[1] > 128).all()
    assert explained.grid.apex == pytest.approx(np.array(explained.grid.onset), abs=1.0)
    assert "explain" in report.timings_ms
    assert AnalysisReport.model_validate_json(report.model_dump_json(by_alias=True)) == report


def test_a_model_without_attention_has_its_motion_explained_alone() -> None:
    (event,) = analyse(Script(), clip(), explain=True).events

    assert event.explanation is not None
    assert event.explanation.attention is None
    assert len(event.explanation.motion) == PLACES


def test_without_an_event_there_is_nothing_to_explain() -> None:
    assert analyse(Script(smile=0.0, attends=True), clip(), explain=True).events == []


def test_a_result_of_an_earlier_version_is_read_as_it_is() -> None:
    document = analyse(Script(), clip()).model_dump(mode="json", by_alias=True)
    for added in ("sides", "evidence", "explanation"):
        del document["events"][0][added]

    (event,) = AnalysisReport.model_validate(document).events

    assert (event.sides, event.evidence, event.explanation) == ({}, "", None)
