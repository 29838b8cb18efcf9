"""All recognizers, by the name a user asks for."""

from collections.abc import Mapping
from typing import Final

from worker.models import affectivenet, afn, au, madvnet, msjfn
from worker.models.ensemble import ensemble
from worker.models.recognizer import Recognizer
from worker.specs import AU, RECOGNIZE

_OF_EMOTIONS: Final = (
    Recognizer("madvnet", RECOGNIZE, madvnet.prepare, madvnet.interpret),
    msjfn.RECOGNIZER,
    affectivenet.RECOGNIZER,
    afn.RECOGNIZER,
)
"""Each named like its network in `worker.specs.EMOTION_NETWORKS`."""
_OF_MOVEMENT: Final = Recognizer("au", AU, au.prepare, au.recognition, labels=())
REGISTRY: Final[Mapping[str, Recognizer]] = {
    each.name: each for each in (*_OF_EMOTIONS, ensemble(_OF_EMOTIONS), _OF_MOVEMENT)
}


def recognizer(name: str) -> Recognizer:
    """The recognizer of that name.

    Raises:
        LookupError: There is none; the message names those there are.
    """
    if name not in REGISTRY:
        raise LookupError(f"no recognizer {name!r}; there are: {', '.join(sorted(REGISTRY))}")
    return REGISTRY[name]
