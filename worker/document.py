"""What was found becomes the result document."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    FrameRow,
    ModelInfo,
    Prediction,
)
from worker.domain import Clip, EventSpan, FloatArray
from worker.models.au import strongest_side
from worker.models.recognizer import Recognition, coarse
from worker.observation import Observation
from worker.presence import FaceTrack
from worker.rate import FrameRate, adequacy
from worker.specs import AU_NAMES, GATES, LABELS, LEVELS

_DECIMALS: Final = 5


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything an analysis found, still as arrays."""

    clip: Clip
    seen: Observation
    span: EventSpan | None
    """The event, in positions of the observation."""
    sampled: npt.NDArray[np.intp]
    """[T] what the recognizer saw, in positions of the observation."""
    recognition: Recognition


def compose(
    found: Findings,
    name: str,
    model: ModelDescription,
    *,
    sha256: str,
    job_id: str | None,
    timings_ms: dict[str, float],
) -> AnalysisReport:
    """The document of an analysis by the recognizer `name`, served as `model`."""
    rate = FrameRate.of(np.array([found.clip.frames[index].pts_s for index in found.seen.used]))
    verdict = adequacy(rate)
    return AnalysisReport(
        schema="madv.result/1",
        job_id=job_id,
        clip=_clip(found.clip, sha256),
        adequacy=verdict,
        face=_face(found.seen.track),
        model=_model(name, model),
        prediction=_prediction(found.recognition, abstained=verdict.verdict == "inadequate"),
        events=[] if found.span is None else [_event(found, found.span)],
        action_units=ActionUnitTrace(names=list(AU_NAMES), frames=_rows(found)),
        decode=DecodeInfo(
            container=found.clip.container,
            codec=found.clip.codec,
            frames_decoded=len(found.clip.frames),
            frames_used=len(found.seen.used),
            warnings=list(found.clip.warnings),
        ),
        timings_ms=timings_ms,
    )


def _clip(clip: Clip, sha256: str) -> ClipInfo:
    rate = FrameRate.of(np.array([frame.pts_s for frame in clip.frames]))
    height, width = next(clip.images()).shape[:2]
    return ClipInfo(
        sha256=sha256,
        frames=len(clip.frames),
        duration_s=round(rate.duration_s, _DECIMALS),
        fps=round(rate.fps, _DECIMALS),
        vfr=rate.is_variable,
        width=width,
        height=height,
        rotation=clip.rotation,
    )


def _face(track: FaceTrack) -> FaceInfo:
    (a, b, x), (c, d, y) = track.alignment.tolist()
    return FaceInfo(
        frame=track.anchor.index,
        box=track.face.box,
        confidence=round(track.face.score, _DECIMALS),
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


def _prediction(recognition: Recognition, *, abstained: bool) -> Prediction:
    levels = zip(LEVELS, recognition.level_probabilities, strict=True)
    return Prediction(
        label=recognition.label,
        probabilities=_by_name(LABELS, recognition.probabilities),
        coarse=coarse(recognition.probabilities),
        confidence="uncalibrated",
        abstained=abstained,
        level_probabilities={level: _by_name(LABELS, row) for level, row in levels},
        gate=_by_name(GATES, recognition.gate),
    )


def _event(found: Findings, span: EventSpan) -> Event:
    onset, apex, offset = (
        found.clip.frames[found.seen.used[position]]
        for position in (span.onset, span.apex, span.offset)
    )
    # The recognizer measured against the event's own onset, the trace against the clip's start.
    nearest = int(np.abs(found.sampled - span.apex).argmin())
    at_apex = strongest_side(found.recognition.action_units[nearest])
    return Event(
        onset_s=round(onset.pts_s, _DECIMALS),
        apex_s=round(apex.pts_s, _DECIMALS),
        offset_s=round(offset.pts_s, _DECIMALS),
        onset_frame=onset.index,
        apex_frame=apex.index,
        offset_frame=offset.index,
        probabilities=_by_name(LABELS, found.recognition.probabilities),
        action_units=_by_name(AU_NAMES, at_apex),
    )


def _rows(found: Findings) -> list[FrameRow]:
    intensities = (
        strongest_side(found.seen.trace).round(_DECIMALS).astype(np.float64).round(_DECIMALS)
    )
    measured = dict(zip(found.seen.used.tolist(), intensities.tolist(), strict=True))
    return [
        FrameRow(
            index=frame.index,
            pts_s=round(frame.pts_s, _DECIMALS),
            status=status,
            confidence=round(confidence, _DECIMALS),
            intensity=measured.get(frame.index),
        )
        for frame, (status, confidence) in zip(found.clip.frames, found.seen.judged, strict=True)
    ]


def _by_name(names: Sequence[str], values: FloatArray) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in zip(names, values, strict=True)}
