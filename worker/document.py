"""What was found becomes the result document."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.backend import ModelDescription
from worker.contract import (
    ActionUnitTrace,
    AnalysisReport,
    ClipInfo,
    DecodeInfo,
    Event,
    FaceInfo,
    Faces,
    FrameRow,
    ModelInfo,
    Prediction,
    TrackedFace,
)
from worker.domain import FloatArray, Footage
from worker.evidence import evidence
from worker.findings import FaceFindings, Judged
from worker.highlights import Span
from worker.models.au import strongest_side
from worker.models.calibration import Calibration
from worker.models.recognizer import Emotion, Recognition, coarse
from worker.rate import FrameRate, adequacy
from worker.specs import AU_NAMES, GATES, LABELS, LEVELS, SIDES
from worker.strip import Anchor
from worker.task import Task

Times = npt.NDArray[np.float64]

_DECIMALS: Final = 5


@dataclass(frozen=True, slots=True)
class JudgedFace:
    """A face, and what the recognizer says of its moments."""

    found: FaceFindings
    moments: Sequence[Judged]
    """Strongest first."""

    def calibrated(self, calibration: Calibration) -> "JudgedFace":
        """The same with probabilities that mean what they say."""
        return JudgedFace(
            self.found,
            [
                replace(each, recognition=_calibrated(each.recognition, calibration))
                for each in self.moments
            ],
        )


@dataclass(frozen=True, slots=True)
class Served:
    """A recognizer, by the name a user asks for, as it is served."""

    name: str
    model: ModelDescription


def compose(
    footage: Footage,
    faces: Sequence[JudgedFace],
    served: Served,
    task: Task,
) -> AnalysisReport:
    """The document of an analysis.

    Args:
        footage: The clip, all of which has been taken.
        faces: The main face, then the others.
        served: Who judged.
        task: Whose clip, and what it took.
    """
    calibration = Calibration.of(served.model.parameters)
    faces = [face.calibrated(calibration) for face in faces]
    times_s, main = footage.pts_s, faces[0].found
    parts = [_parts(face, calibration, times_s) for face in faces]
    return AnalysisReport(
        schema="madv.result/1",
        job_id=task.job_id,
        mode=task.mode,
        clip=_clip(footage, times_s, task.sha256),
        adequacy=adequacy(FrameRate.of(main.pts_s)),
        face=parts[0].face,
        model=_model(served.name, served.model),
        prediction=parts[0].prediction,
        events=parts[0].events,
        action_units=parts[0].action_units,
        faces=parts if task.faces is Faces.ALL else [],
        decode=DecodeInfo(
            container=footage.container,
            codec=footage.codec,
            frames_decoded=len(times_s),
            frames_used=len(main.used),
            warnings=list(footage.warnings),
        ),
        timings_ms=task.stopwatch.timings_ms(),
    )


def _clip(footage: Footage, times_s: Times, sha256: str) -> ClipInfo:
    rate = FrameRate.of(times_s)
    width, height = footage.size
    return ClipInfo(
        sha256=sha256,
        frames=len(times_s),
        duration_s=round(rate.duration_s, _DECIMALS),
        fps=round(rate.fps, _DECIMALS),
        vfr=rate.is_variable,
        width=width,
        height=height,
        rotation=footage.rotation,
    )


def _parts(face: JudgedFace, calibration: Calibration, times_s: Times) -> TrackedFace:
    """All that the document says of one face."""
    verdict = adequacy(FrameRate.of(face.found.pts_s)).verdict
    anchor, emotion = face.found.anchor, None
    if face.moments:
        strongest = face.moments[0]
        anchor, emotion = strongest.moment.anchor, strongest.recognition.emotion
    return TrackedFace(
        track_id=anchor.track_id,
        face=_face(anchor),
        prediction=None
        if emotion is None
        else _prediction(emotion, calibration, is_adequate=verdict != "inadequate"),
        events=[
            _event(judged, judged.moment.span)
            for judged in face.moments
            if judged.moment.span is not None
        ],
        action_units=ActionUnitTrace(names=list(AU_NAMES), frames=_rows(face.found, times_s)),
    )


def _face(anchor: Anchor) -> FaceInfo:
    (a, b, x), (c, d, y) = anchor.alignment.tolist()
    return FaceInfo(
        frame=anchor.frame,
        box=anchor.face.box,
        confidence=round(anchor.face.score, _DECIMALS),
        alignment=((a, b, x), (c, d, y)),
    )


def _model(name: str, model: ModelDescription) -> ModelInfo:
    return ModelInfo(
        name=name,
        version=model.parameters["version"],
        digest=model.parameters["digest"],
        preprocess=model.parameters["preprocess_digest"],
        trained_on=model.parameters["trained_on"].split(","),
    )


def _prediction(emotion: Emotion, calibration: Calibration, *, is_adequate: bool) -> Prediction:
    levels, gate = emotion.level_probabilities, emotion.gate
    return Prediction(
        label=emotion.label,
        probabilities=_by_name(LABELS, emotion.probabilities),
        coarse=coarse(emotion.probabilities),
        confidence=calibration.confidence,
        abstained=not is_adequate or calibration.abstains(emotion),
        level_probabilities={}
        if levels is None
        else {level: _by_name(LABELS, row) for level, row in zip(LEVELS, levels, strict=True)},
        gate={} if gate is None else _by_name(GATES, gate),
    )


def _event(judged: Judged, span: Span) -> Event:
    (onset, apex, offset), emotion = span, judged.recognition.emotion
    # The recognizer measured against the event's own onset, the trace against the face at rest.
    at_apex = judged.recognition.action_units[judged.moment.apex]
    return Event(
        onset_s=round(onset.pts_s, _DECIMALS),
        apex_s=round(apex.pts_s, _DECIMALS),
        offset_s=round(offset.pts_s, _DECIMALS),
        onset_frame=onset.frame,
        apex_frame=apex.frame,
        offset_frame=offset.frame,
        probabilities={} if emotion is None else _by_name(LABELS, emotion.probabilities),
        action_units=_by_name(AU_NAMES, strongest_side(at_apex)),
        sides={side: _by_name(AU_NAMES, units) for side, units in zip(SIDES, at_apex, strict=True)},
        evidence=evidence(at_apex, apex.pts_s - onset.pts_s),
        explanation=judged.explanation,
    )


def _rows(found: FaceFindings, times_s: Times) -> list[FrameRow]:
    intensities = found.intensity.round(_DECIMALS).astype(np.float64).round(_DECIMALS)
    position = {index: row for row, index in enumerate(found.used.tolist())}
    return [
        FrameRow(
            index=index,
            pts_s=round(pts_s, _DECIMALS),
            status=status,
            confidence=round(confidence, _DECIMALS),
            intensity=intensities[position[index]].tolist() if index in position else None,
        )
        for index, (pts_s, (status, confidence)) in enumerate(
            zip(times_s.tolist(), found.judged, strict=True)
        )
    ]


def _calibrated(recognition: Recognition, calibration: Calibration) -> Recognition:
    if recognition.emotion is None:
        return recognition
    return replace(recognition, emotion=calibration.applied(recognition.emotion))


def _by_name(names: Sequence[str], values: FloatArray) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in zip(names, values, strict=True)}
