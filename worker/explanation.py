"""What a result says beside its answer where `explain` is set: a leaf of the contract."""

from pydantic import Field

from worker.strict import Strict

Affine = tuple[tuple[float, float, float], tuple[float, float, float]]
"""2x3: a place (x, y, 1) in, x and y out."""


class FaceGrid(Strict):
    """Even cells over a face as it is aligned, upright: rows downwards, columns to the right.

    Places on it are (column, row) with (0, 0) the upper left corner of all and (columns, rows) the
    lower right one: cell [r][c] has its centre at (c + 0.5, r + 0.5). The maps lead to pixels of
    the upright frame, where (0, 0) is the upper left corner of the picture.
    """

    rows: int
    columns: int
    onset: Affine = Field(description="2x3 map from places on the grid to pixels of onset_frame")
    apex: Affine = Field(
        description="the same to pixels of apex_frame: the same places of the face, wherever the "
        "head is by then"
    )


class Explanation(Strict):
    """What moved in an event and where the recognizer looked: numbers, and no picture."""

    grid: FaceGrid
    motion: list[list[tuple[float, float]]] = Field(
        description="[row][column] how far (x right, y down) each cell of the face has moved from "
        "onset to apex, in pixels of onset_frame and as if the head had held still: its shift, "
        "scale and turn are taken out as far as they are known. Median over the cell."
    )
    attention: list[list[float]] | None = Field(
        description="[row][column] how much the recognizer heeded each cell in the frame nearest "
        "to the apex, against the cell heeded most: 0 to 1. Where its class tokens look, which is "
        "not what caused the answer. Null by a recognizer without attention."
    )
