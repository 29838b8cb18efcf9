"""What the table shows of the paper's claims, and how the networks rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from training.reproduce.variants import BASE, CLAIMS, FULL, ORACLE

MEASURES: Final = ("coarse_uf1", "accuracy_8")
"""The main figure of each track."""
_ERRORS: Final = 2.0
"""Standard errors of the difference that chance is given."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table over its seeds: mean and spread of each figure."""

    name: str
    group: str
    runs: int
    figures: dict[str, dict[str, float]]
    clips_seen: int = 0
    parameters_m: float = 0.0
    mmacs: float = 0.0


def verdicts(lines: Sequence[Line]) -> list[dict[str, object]]:
    """Each claim whose two rows are there: the difference it makes, and whether that is chance.

    `holds` and `reversed` are beyond two standard errors over the seeds; with one run of either
    side it is always `not shown`.
    """
    by_name = {line.name: line for line in lines}
    return [
        {"claim": claim, "with": one, "without": other}
        | {measure: _verdict(by_name[one], by_name[other], measure) for measure in MEASURES}
        for claim, (one, other) in CLAIMS.items()
        if one in by_name and other in by_name
    ]


def targets(lines: Sequence[Line]) -> dict[str, dict[str, object]]:
    """What MADV-Net S should reach, where its row and the oracle's are there."""
    by_name = {line.name: line for line in lines}
    if not {FULL, ORACLE} <= by_name.keys():
        return {}
    own, ceiling = (by_name[name].figures for name in (FULL, ORACLE))
    share = own["coarse_uf1"]["mean"] / max(ceiling["coarse_uf1"]["mean"], 1e-9)
    return {
        "coarse_uf1_of_oracle": _reached(share, "at least", 0.9),
        "accuracy_8": _reached(own["accuracy_8"]["mean"], "at least", 0.8),
        "ece_calibrated": _reached(own["ece_calibrated"]["mean"], "at most", 0.05),
    }


def _reached(value: float, bound: str, target: float) -> dict[str, object]:
    met = value >= target if bound == "at least" else value <= target
    return {"value": round(value, 4), bound: target, "met": met}


def ranked(lines: Sequence[Line]) -> dict[str, list[str]]:
    """MADV-Net among its peers at equal budget, best mean first, by either measure."""
    rivals = [line for line in lines if line.group == "peer" or line.name == BASE]
    return {
        measure: [
            line.name for line in sorted(rivals, key=lambda line: -line.figures[measure]["mean"])
        ]
        for measure in MEASURES
    }


def _verdict(one: Line, other: Line, measure: str) -> dict[str, object]:
    a, b = one.figures[measure], other.figures[measure]
    difference = a["mean"] - b["mean"]
    margin = _ERRORS * sqrt(a["spread"] ** 2 / one.runs + b["spread"] ** 2 / other.runs)
    shown = min(one.runs, other.runs) > 1 and abs(difference) > margin
    told = ("holds" if difference > 0 else "reversed") if shown else "not shown"
    return {"difference": round(difference, 4), "margin": round(margin, 4), "verdict": told}
