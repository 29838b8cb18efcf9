"""How a training went, epoch by epoch: a table, and a picture of it."""

import csv
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

TABLE: Final = "curve.csv"
PICTURE: Final = "curve.png"
_NO_CURVE: Final = {"epoch", "seconds"}


def log(file: Path, row: dict[str, float]) -> None:
    """Append one epoch."""
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(row))
        if new:
            writer.writeheader()
        writer.writerow({key: round(value, 5) for key, value in row.items()})


def draw(table: Path, picture: Path) -> None:
    """One small plot a column over the epochs."""
    with table.open(newline="", encoding="utf-8") as rows:
        epochs = list(csv.DictReader(rows))
    names = [name for name in epochs[0] if name not in _NO_CURVE]
    figure = Figure(figsize=(3.2 * len(names), 2.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        axes.plot([int(row["epoch"]) for row in epochs], [float(row[name]) for row in epochs], "o-")
        axes.set_title(name)
        axes.set_xlabel("epoch")
    figure.savefig(picture, dpi=110)
