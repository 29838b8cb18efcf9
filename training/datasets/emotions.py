"""Words of the sheets for emotions, made one, and the three classes they fall into."""

from typing import Final, Literal

from worker.specs import COARSE_LABELS, COARSE_OF

Coarse = Literal["positive", "negative", "surprise"]

_SAME_AS: Final = {
    "happy": "happiness",
    "sad": "sadness",
    "angry": "anger",
    "fearful": "fear",
    "disgusted": "disgust",
    "disgusting": "disgust",
    "surprised": "surprise",
    "other": "others",
}
_COARSE: Final = {
    **COARSE_OF,
    **{label: label for label in COARSE_LABELS},
    "repression": "negative",
}
KNOWN: Final = frozenset({*_COARSE, "others"})
"""`others` and combinations of classes have no coarse class."""


def canonical(raw: str) -> str:
    """The word all data sets share: lower case, one form; parts of `A+B` in the sheet's order."""
    parts = (part.strip().casefold() for part in raw.split("+"))
    return "+".join(_SAME_AS.get(part, part) for part in parts if part)


def is_known(raw: str) -> bool:
    """Whether every part of the sheet's word is an emotion of some data set."""
    word = canonical(raw)
    return bool(word) and all(part in KNOWN for part in word.split("+"))


def coarse_of(raw: str) -> Coarse | None:
    """Positive, negative or surprise; None for others, unknown words and contradictions."""
    classes = {_COARSE.get(part) for part in canonical(raw).split("+")}
    if len(classes) != 1:
        return None
    match classes.pop():
        case "positive":
            return "positive"
        case "negative":
            return "negative"
        case "surprise":
            return "surprise"
        case _:
            return None
