"""MSJFN: one picture of the optical flow from onset to apex."""

from collections.abc import Mapping
from typing import Final

from worker.backend import Tensor
from worker.domain import Image
from worker.models.pictured import interpret
from worker.models.recognizer import Recognizer
from worker.preprocess.flow_picture import flow_picture
from worker.specs import FLOW_SIDE, MSJFN, RECOGNIZE_PICTURES


def prepare(crops: Image, reference: Image) -> Mapping[str, Tensor]:
    """The ensemble's inputs: crops, and the motion in them."""
    return {"crops": crops, "reference": reference, "flow": flow_picture(crops, FLOW_SIDE)}


RECOGNIZER: Final = Recognizer(MSJFN.name, RECOGNIZE_PICTURES[MSJFN.name], prepare, interpret)
