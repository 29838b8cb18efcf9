from functools import cache

import numpy as np
import pytest

from training import data
from training.synthetic.events import Priors
from training.synthetic.expression import Expression, no_extras, no_units
from training.synthetic.face_model import FaceModel
from training.synthetic.flow_events import EMOTIONS, draw_change
from training.synthetic.flow_frames import WIDTH, film_change
from training.synthetic.flow_pictures import SIDE, draw_flow_pictures
from training.synthetic.portraits import Aligner, load_portrait, portrait_names
from training.synthetic.rig import Rig, build_rig
from worker.preprocess.optical_flow import flow
from worker.specs import AU_NUMBERS, LABELS


def _has_data() -> bool:
    try:
        data.data_folder()
    except FileNotFoundError:
        return False
    return data.DETECTOR.exists()


pytestmark = pytest.mark.skipif(not _has_data(), reason="needs portraits and 3D face in MADV_DATA")


@cache
def _rig() -> Rig:
    folder = data.portraits_folder()
    portrait = load_portrait(folder, portrait_names(folder, "validation")[0])
    gray = portrait.image.mean(axis=2).astype(np.uint8)
    alignment = Aligner(data.DETECTOR).alignment(portrait)
    model = FaceModel.load(data.face_model_folder())
    return build_rig(portrait.name, gray, portrait.points, alignment, model)


def test_classes_are_made_of_known_emotions() -> None:
    named = {emotion for shares in EMOTIONS for emotion in shares}
    assert named - {"repression"} == set(LABELS) - {"neutral"}
    assert [sum(shares.values()) for shares in EMOTIONS] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("label", range(len(EMOTIONS)))
def test_something_happens_in_every_class(label: int) -> None:
    priors, rng = Priors(data.priors_file()), np.random.default_rng(label)
    changes = [draw_change(label, priors, rng) for _ in range(50)]
    moved = [np.abs(apex.units - onset.units).max() for onset, apex in changes]
    assert np.mean(np.array(moved) > 0.2) > 0.9


def test_flow_pictures_follow_from_the_seed() -> None:
    priors = Priors(data.priors_file())
    one, again = (draw_flow_pictures([_rig()], priors, 4, seed=5) for _ in range(2))
    assert np.array_equal(one.flow, again.flow)
    assert one.flow.shape == (4, SIDE, SIDE, 3)
    assert one.label.tolist() == [0, 1, 2, 0]


def test_raised_brows_move_up_in_the_upper_part_of_the_frame() -> None:
    apex = no_units()
    apex[[AU_NUMBERS.index(1), AU_NUMBERS.index(2)]] = 4.0
    change = Expression(), Expression(apex, no_extras())
    onset, raised = film_change(_rig(), change, np.random.default_rng(3))
    assert onset.shape == raised.shape
    assert onset.shape[1] == WIDTH
    motion = flow(onset, raised)[..., 1]
    motion -= np.median(motion)
    brows, mouth = motion[: len(motion) // 4], motion[len(motion) // 2 :]
    assert brows.min() < -1
    assert abs(brows.min()) > 2 * np.abs(mouth).max()
