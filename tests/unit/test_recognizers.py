import numpy as np
import pytest

from worker.contract import RECOGNIZERS
from worker.models.au import WINDOW, interpret, strongest_side, windows
from worker.models.recognizer import coarse
from worker.models.registry import REGISTRY, recognizer
from worker.specs import COARSE_OF, LABELS, NEUTRAL


def test_the_registry_is_what_the_contract_announces() -> None:
    assert set(REGISTRY) == set(RECOGNIZERS)
    assert all(recognizer(name).name == name for name in RECOGNIZERS)


def test_an_unknown_recognizer_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        LookupError, match="'nobody'; there are: affectivenet, afn, au, ensemble, madvnet, msjfn"
    ):
        recognizer("nobody")


def test_every_label_but_neutral_has_a_coarse_one() -> None:
    assert set(COARSE_OF) == set(LABELS) - {LABELS[NEUTRAL]}


def test_coarse_probabilities_are_given_an_event() -> None:
    probabilities = np.zeros(len(LABELS), np.float32)
    probabilities[[LABELS.index("happiness"), LABELS.index("fear"), NEUTRAL]] = (0.3, 0.1, 0.6)

    assert coarse(probabilities) == pytest.approx(
        {"positive": 0.75, "negative": 0.25, "surprise": 0.0}
    )


def test_windows_cover_a_clip_once() -> None:
    crops = np.arange(150, dtype=np.uint8).reshape(-1, 1, 1, 1)

    parts = [window["crops"] for window in windows(crops, crops[:1])]

    assert max(map(len, parts)) == WINDOW
    assert (np.concatenate(parts) == crops).all()


def test_a_trace_is_put_together_in_order() -> None:
    parts = [{"action_units": np.full((2, 2, 18), value, np.float32)} for value in (-1.0, 2.0)]

    assert interpret(parts)[:, 0, 0].tolist() == [-1.0, -1.0, 2.0, 2.0]


def test_the_side_that_changes_more_speaks_for_an_action_unit() -> None:
    trace = np.array([[[0.1, -2.0], [0.5, 1.0]]], np.float32)

    assert strongest_side(trace).tolist() == [[0.5, -2.0]]
