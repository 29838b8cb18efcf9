"""All recognizers, by the name a user asks for."""

from collections.abc import Mapping
from typing import Final

from worker.models import au, madvnet
from worker.models.recognizer import Recognizer
from worker.specs import AU, RECOGNIZE

REGISTRY: Final[Mapping[str, Recognizer]] = {
    "madvnet": Recognizer("madvnet", RECOGNIZE, madvnet.prepare, madvnet.interpret),
    "au": Recognizer("au", AU, au.prepare, au.recognition, labels=()),
}


def recognizer(name: str) -> Recognizer:
    """The recognizer of that name.

    Raises:
        LookupError: There is none; the message names those there are.
    """
    if name not in REGISTRY:
        raise LookupError(f"no recognizer {name!r}; there are: {', '.join(sorted(REGISTRY))}")
    return REGISTRY[name]
