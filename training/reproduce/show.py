"""Tables for people."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from training.reproduce.variants import FULL

_FIGURES: Final = {
    "coarse_uf1": "UF1 coarse",
    "coarse_uar": "UAR coarse",
    "accuracy_8": "accuracy 8",
    "macro_f1_8": "macro F1 8",
    "ece": "ECE",
    "ece_calibrated": "ECE calibrated",
}


def print_table(made: Mapping[str, Any], console: Console) -> None:
    """What the `table` of `synthetic`, `recognizers` or `licensed` gave."""
    if "rows" in made:
        _synthetic(made, console)
    elif "recognizers" in made:
        _recognizers(made, console)
    elif "together" in made:
        _flow(made, console)
    else:
        _licensed(made, console)


def _synthetic(made: Mapping[str, Any], console: Console) -> None:
    table = Table("", "runs", "clips seen", "M parameters", "M MACs", *_FIGURES.values())
    for row in made["rows"]:
        figures = (_around(row["figures"][name]) for name in _FIGURES)
        size = (str(row[name]) for name in ("runs", "clips_seen", "parameters_m", "mmacs"))
        table.add_row(row["name"], *size, *figures)
    console.print(table)
    for target, reached in made["targets"].items():
        outcome = "met" if reached["met"] else "missed"
        console.print(f"{FULL}: {target} {reached['value']}, {outcome}")
    claims = Table("the paper's claim", "with", "without", "UF1 coarse", "accuracy 8")
    for claim in made["claims"]:
        shown = (_verdict(claim[name]) for name in ("coarse_uf1", "accuracy_8"))
        claims.add_row(claim["claim"], claim["with"], claim["without"], *shown)
    console.print(claims)
    for measure, order in made["ranks"].items():
        console.print(f"{_FIGURES[measure]}: {' > '.join(order)}")


def _recognizers(made: Mapping[str, Any], console: Console) -> None:
    columns = [name for name in made["recognizers"][0] if name != "name"]
    table = Table("", *(name.replace("_", " ") for name in columns))
    for row in made["recognizers"]:
        table.add_row(row["name"], *(f"{row[name]:.4g}" for name in columns))
    console.print(table)


def _flow(made: Mapping[str, Any], console: Console) -> None:
    table = Table(made["table"], "clips", "UF1", "UAR", "accuracy", "confusion")
    runs = {f"seed {seed}": scores for seed, scores in made["seeds"].items()}
    runs |= {"networks": made["networks"], **made["machines"]}
    runs |= {f"networks and {name}": scores for name, scores in made["networks_and"].items()}
    runs |= {"nested": made["nested"], "together": made["together"]}
    for run, parts in runs.items():
        for part, scores in parts.items():
            figures = (f"{scores[key]:.4f}" for key in ("uf1", "uar", "accuracy"))
            table.add_row(
                f"{run}, {part}", str(scores["clips"]), *figures, str(scores["confusion"])
            )
    console.print(table)
    console.print(f"{made['protocol']}; {made['subjects']} people")


def _licensed(made: Mapping[str, Any], console: Console) -> None:
    table = Table(made["table"], "clips", "UF1", "UAR", "accuracy", "F1 by Eq. 30")
    for name, scores in {"all": made["scores"], **made["by_dataset"]}.items():
        figures = (scores[key] for key in ("uf1", "uar", "accuracy", "macro_f1_eq30"))
        table.add_row(name, str(scores["clips"]), *(f"{value:.4f}" for value in figures))
    console.print(table)
    console.print(f"{made['protocol']}; {made['subjects']} people; {_left_out(made['left_out'])}")


def _around(figure: Mapping[str, float]) -> str:
    return f"{figure['mean']:.3f} ± {figure['spread']:.3f}"


def _verdict(told: Mapping[str, Any]) -> str:
    return f"{told['difference']:+.3f} ± {told['margin']:.3f}: {told['verdict']}"


def _left_out(clips: Sequence[str]) -> str:
    return f"left out, no face seen: {', '.join(clips)}" if clips else "no clip left out"
