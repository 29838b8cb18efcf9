"""AffectiveNet: one picture, of what moves from onset to apex."""

from typing import Final

from worker.models.pictured import pictured
from worker.specs import AFFECTIVENET

PICTURES: Final = ("affective-motion",)
RECOGNIZER: Final = pictured(AFFECTIVENET, PICTURES)
