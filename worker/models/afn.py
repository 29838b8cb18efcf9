"""AFN: two pictures, of frames ranked by time and by motion."""

from typing import Final

from worker.models.pictured import pictured
from worker.specs import AFN

PICTURES: Final = ("trdi", "midi")
RECOGNIZER: Final = pictured(AFN, PICTURES)
