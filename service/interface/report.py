"""An example of a result: two action units, three frames."""

from worker.contract import (
    ActionUnitTrace,
    Adequacy,
    AnalysisReport,
    ClipInfo,
    DecodeInfo,
    Event,
    FaceInfo,
    FrameRow,
    ModelInfo,
    Prediction,
)

_PROBABILITIES = {"happiness": 0.86, "surprise": 0.14}
_COARSE = {"positive": 0.86, "negative": 0.0, "surprise": 0.14}


def example_report(job_id: str) -> AnalysisReport:
    """Of a clip as short as can be."""
    return AnalysisReport(
        schema="madv.result/1",
        job_id=job_id,
        clip=ClipInfo(
            sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            frames=3,
            duration_s=0.1,
            fps=30.0,
            vfr=False,
            width=640,
            height=360,
            rotation=0,
        ),
        adequacy=Adequacy(
            verdict="coarse",
            reason="33 ms between frames; a 1/5 s onset is covered by 6 frames",
        ),
        face=FaceInfo(
            frame=0,
            box=(231.0, 64.0, 402.0, 301.0),
            confidence=0.97,
            alignment=((0.47, 0.01, -92.4), (-0.01, 0.47, -28.7)),
        ),
        model=ModelInfo(
            name="madvnet",
            version="1",
            digest="sha256:4f1c2a",
            preprocess="sha256:b7d3e0",
            trained_on=["synthetic-me v1"],
        ),
        prediction=Prediction(
            label="happiness",
            probabilities=_PROBABILITIES,
            coarse=_COARSE,
            confidence="uncalibrated",
            abstained=False,
            level_probabilities=dict.fromkeys(("low", "mid", "high"), _PROBABILITIES),
            gate={"texture": 0.4, "depth": 0.25, "au": 0.35},
        ),
        events=[
            Event(
                onset_s=0.0,
                apex_s=0.033,
                offset_s=0.067,
                onset_frame=0,
                apex_frame=1,
                offset_frame=2,
                probabilities=_PROBABILITIES,
                action_units={"AU06": 1.1, "AU12": 1.9},
                sides={"left": {"AU06": 1.0, "AU12": 0.2}, "right": {"AU06": 1.1, "AU12": 1.9}},
                evidence="AU12 rises 1.9 within 30 ms, right side only; AU06 rises 1.1.",
            )
        ],
        action_units=ActionUnitTrace(
            names=["AU06", "AU12"],
            frames=[
                FrameRow(index=0, pts_s=0.0, status="ok", confidence=0.97, intensity=[0.0, 0.0]),
                FrameRow(index=1, pts_s=0.033, status="ok", confidence=0.97, intensity=[1.1, 1.9]),
                FrameRow(index=2, pts_s=0.067, status="no_face", confidence=0.1, intensity=None),
            ],
        ),
        decode=DecodeInfo(
            container="mp4", codec="h264", frames_decoded=3, frames_used=3, warnings=[]
        ),
        timings_ms={"decode": 41.0, "face": 60.0, "triton": 180.0, "total": 300.0},
    )
