"""Whether action units are seen as well in everybody: amplitude by groups of people."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from training.judges.amplitude import AmplitudeJudge
from training.judges.judge import Report, Shown
from training.synthetic.people import Groups

_FIGURES: Final = ("clips", "icc_mean", "mae_mean", "mae_where_active_mean")


class FairnessJudge:
    """The figures of `AmplitudeJudge`, for each group of each attribute that is known of people."""

    def __init__(self, people: Mapping[str, Groups]) -> None:
        self._people = people
        self._judges: defaultdict[tuple[str, str], AmplitudeJudge] = defaultdict(AmplitudeJudge)
        self._seen: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def see(self, shown: Shown) -> None:
        """Show an event to the groups of its person."""
        if shown.clip.kind != "event":
            return
        person = shown.clip.identity
        for group in self._people.get(person, {}).items():
            self._judges[group].see(shown)
            self._seen[group].add(person)

    def report(self) -> Report:
        """By attribute and group: people, clips, and the means over action units that move."""
        by_attribute: defaultdict[str, dict[str, Report]] = defaultdict(dict)
        for (attribute, group), judge in sorted(self._judges.items()):
            figures = judge.report()
            by_attribute[attribute][group] = {
                "people": len(self._seen[attribute, group]),
                **{name: figures[name] for name in _FIGURES},
            }
        return dict(by_attribute)
