"""Which judges a model faces, and the order in which their figures are printed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from training.judges.amplitude import AmplitudeJudge
from training.judges.depth import DepthJudge
from training.judges.fairness import FairnessJudge
from training.judges.flip import FlipJudge
from training.judges.judge import Judge, Report, Shown
from training.judges.phantom import PhantomJudge
from training.judges.real import RealJudge
from training.judges.recognition import RecognitionJudge
from training.judges.speed import speed
from training.judges.steadiness import SteadinessJudge
from training.judges.timing import TimingJudge
from training.served import ServedModels
from training.synthetic.people import Groups
from worker.specs import AU, DEPTH, MADVNET
from worker.strip import Observation

MODELS: Final = (AU.name, DEPTH.name, MADVNET.name)


class Panel:
    """Every judge of the named models, and the real clips."""

    def __init__(
        self,
        names: list[str],
        served: ServedModels,
        repository: Path,
        people: Mapping[str, Groups],
    ) -> None:
        self._names = names
        self._repository = repository
        self._judges = {name: _judges(name, served, people) for name in names}
        self._real = RealJudge()

    def see(self, shown: Shown) -> None:
        """Show a generated clip to everyone."""
        for judges in self._judges.values():
            for judge in judges.values():
                judge.see(shown)

    def see_real(self, name: str, seen: Observation, traces: Path) -> None:
        """Show a real clip with its table of coefficients."""
        self._real.see(name, seen, traces)

    def report(self) -> Report:
        """Figures per model."""
        return {name: self._of(name) for name in self._names}

    def _of(self, name: str) -> Report:
        figures = {question: judge.report() for question, judge in self._judges[name].items()}
        spec = {AU.name: AU, DEPTH.name: DEPTH}.get(name)
        cost = {} if spec is None else {"cost": speed(spec, self._repository)}
        real = {"real_clips": self._real.report()} if name == AU.name else {}
        return {**figures, **real, **cost}


def _judges(name: str, served: ServedModels, people: Mapping[str, Groups]) -> Mapping[str, Judge]:
    if name == AU.name:
        return {
            "micro_amplitude": AmplitudeJudge(),
            "flip": FlipJudge(served),
            "phantom_motion": PhantomJudge(),
            "timing": TimingJudge(),
            "fairness": FairnessJudge(people),
        }
    if name == DEPTH.name:
        return {"against_truth": DepthJudge(served), "steadiness": SteadinessJudge(served)}
    return {
        "in_order": RecognitionJudge(served, is_shuffled=False),
        "shuffled": RecognitionJudge(served, is_shuffled=True),
    }
