"""`python -m training.reproduce TABLE`: one command a table.

`synthetic` prints the table of synthetic benchmark v1: runs that were logged under `--runs`, or are
on record in `training/reproduce/logged.json`, are read, missing ones are trained. `recognizers`
sets what is served side by side. `megc-flow` leaves one subject out on real flow. `casme2`, `samm`,
`smic` and `composite` take a licensed data set from its spreadsheets to the table of its protocol.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from rich.console import Console

from training import flow_folds
from training.data import MODEL_REPO, data_folder
from training.processes import CORES
from training.reproduce import licensed, megc_flow, recognizers, show, synthetic
from training.reproduce.synthetic import Request

_WIDTH = 160
"""Of a table in a file or a pipe."""


def main() -> None:
    """Parse the command line, do what is missing, print."""
    parser = argparse.ArgumentParser(prog="python -m training.reproduce", description=__doc__)
    tables = parser.add_subparsers(dest="table", required=True)
    _add_synthetic(tables.add_parser("synthetic"))
    _add_recognizers(tables.add_parser("recognizers"))
    _add_flow(tables.add_parser(megc_flow.NAME))
    for name in licensed.TABLES:
        _add_licensed(tables.add_parser(name))
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    makers = {"synthetic": _synthetic, "recognizers": _recognizers, megc_flow.NAME: _flow}
    made = makers.get(chosen.table, _licensed)(chosen)
    if chosen.json == "-":
        sys.stdout.write(json.dumps(made, indent=1) + "\n")
        return
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    console = Console()
    show.print_table(made, console if console.is_terminal else Console(width=_WIDTH))


def _synthetic(chosen: argparse.Namespace) -> dict[str, object]:
    request = Request(
        chosen.runs, range(1, chosen.seeds + 1), chosen.only, chosen.budget, chosen.jobs
    )
    if not chosen.logged:
        synthetic.train_missing(request)
    if chosen.record:
        synthetic.put_on_record(request)
    return synthetic.table(request)


def _recognizers(chosen: argparse.Namespace) -> dict[str, object]:
    return recognizers.table(chosen.runs / "data", chosen.model_repo, chosen.only)


def _flow(chosen: argparse.Namespace) -> dict[str, object]:
    file = chosen.data or data_folder() / megc_flow.FILE
    request = flow_folds.Request(file, chosen.runs, chosen.seeds, processes=chosen.jobs)
    return megc_flow.table(request)


def _licensed(chosen: argparse.Namespace) -> dict[str, object]:
    if chosen.whole:
        file = licensed.whole(chosen.table, chosen.data, chosen.runs, chosen.config)
        sys.stderr.write(f"{file}\n")
        raise SystemExit(0)
    folds = chosen.folds or None
    return licensed.table(chosen.table, chosen.data, chosen.runs, chosen.config, folds=folds)


def _add_synthetic(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    names = ", ".join(synthetic.names())
    parser.add_argument(
        "--only", nargs="+", default=(), metavar="NAME", choices=synthetic.names(), help=names
    )
    parser.add_argument("--seeds", type=int, default=3, help="1 to this (default 3)")
    parser.add_argument("--budget", type=int, help="clips that ablations and peers see in all")
    parser.add_argument("--jobs", type=int, default=CORES, help="runs at a time (default: cores)")
    parser.add_argument("--record", action="store_true", help="keep what was logged with the code")
    parser.add_argument("--logged", action="store_true", help="train nothing, print what there is")


def _add_recognizers(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME", choices=recognizers.NAMES)
    parser.add_argument("--model-repo", type=Path, default=MODEL_REPO)


def _add_flow(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("--loso", action="store_true", help="the protocol, and the only one")
    parser.add_argument("--data", type=Path, metavar="FILE", help="a flow set; default MADV_DATA's")
    parser.add_argument("--seeds", type=int, default=5, help="1 to this (default 5)")
    parser.add_argument("--jobs", type=int, default=CORES, help="seeds at a time (default: cores)")


def _add_licensed(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="licensed data")
    parser.add_argument(
        "--config", type=Path, default=licensed.CONFIG, help="experiment; default licensed.toml"
    )
    parser.add_argument(
        "--whole", action="store_true", help="one network on every clip, to start others from"
    )
    parser.add_argument("--folds", type=int, default=0, help="stop after so many; 0 is all")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--json", metavar="FILE|-", help="the table as JSON")
    parser.add_argument("--threads", type=int, default=2)


if __name__ == "__main__":
    main()
