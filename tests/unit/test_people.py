"""What puts the people on portraits into groups."""

import os
from pathlib import Path

import numpy as np
import pytest

from training.synthetic.people import groups_of, typology_angle
from training.synthetic.portraits import portrait_names

DATA = Path(os.environ.get("MADV_DATA", "../shared/data"))
LIGHT, DARK = (235, 200, 180), (70, 45, 35)


def test_the_typology_angle_tells_light_skin_from_dark() -> None:
    points = np.zeros((68, 3), np.float32)
    points[[2, 31, 14, 35], :2] = [[10, 50], [40, 50], [90, 50], [60, 50]]
    light, dark = (
        typology_angle(np.full((100, 100, 3), colour, np.uint8), points) for colour in (LIGHT, DARK)
    )
    assert light > 0 > dark


@pytest.mark.skipif(not (DATA / "portraits").is_dir(), reason="no portraits here (MADV_DATA)")
def test_portraits_are_grouped_by_what_their_people_reported() -> None:
    names = portrait_names(DATA / "portraits", "test")
    groups = groups_of(DATA / "portraits", names)
    assert set(groups) == set(names)
    assert all("skin tone" in known for known in groups.values())
    assert {known["gender"] for known in groups.values() if "gender" in known} == {"female", "male"}
