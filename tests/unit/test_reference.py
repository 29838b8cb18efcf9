import numpy as np

from worker.preprocess.reference import PROBED, central_frame, probed, resting_frame
from worker.specs import AU_COUNT, AU_NAMES

AU12, AU45 = (AU_NAMES.index(name) for name in ("AU12", "AU45"))


def test_probes_are_spread_over_well_registered_frames() -> None:
    agreement = np.where(np.arange(200) % 2, 0.9, 0.4).astype(np.float32)

    at = probed(agreement)

    assert len(at) == PROBED
    assert (at % 2 == 1).all()
    assert (at[0], at[-1]) == (1, 199)


def test_a_short_clip_is_probed_whole() -> None:
    assert probed(np.ones(3, np.float32)).tolist() == [0, 1, 2]


def test_the_usual_look_is_the_one_that_recurs() -> None:
    random = np.random.default_rng(0)
    rest, smile = random.integers(60, 200, (2, 112, 112)).astype(float)
    share = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.0, 0.0, 0.0])
    faces = rest + share[:, None, None] * (smile - rest) + random.normal(0, 3, (10, 112, 112))
    crops = np.repeat(faces.astype(np.uint8)[:, None], 3, axis=1)

    assert central_frame(crops) >= 7


def test_the_usual_frame_is_at_rest_unless_others_are_calmer() -> None:
    trace = np.random.default_rng(1).normal(0, 0.01, (30, 2, AU_COUNT)).astype(np.float32)
    trace[20:24, :, AU12] = 2.0
    trace[10:12, :, AU45] = -4.0

    assert resting_frame(trace, central=5) == 5


def test_an_expression_that_stays_is_not_the_face_at_rest() -> None:
    trace = np.zeros((30, 2, AU_COUNT), np.float32)
    trace[:8, :, AU12] = -2.0

    assert resting_frame(trace, central=20) < 8
