import pytest

from training.datasets.action_units import ActionUnit, parse


def units(text: str) -> list[tuple[int, str, str]]:
    return [(unit.number, unit.side, unit.letter) for unit in parse(text).units]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("4", [(4, "", "")]),
        ("AU4+AU7", [(4, "", ""), (7, "", "")]),
        ("R12A+L14C", [(12, "R", "A"), (14, "L", "C")]),
        ("4,7", [(4, "", ""), (7, "", "")]),
        ("4\uff0c7", [(4, "", ""), (7, "", "")]),
        ("AU 5B + 26", [(5, "", "B"), (26, "", "")]),
        ("T25+B26", [(25, "T", ""), (26, "B", "")]),
        ("au12", [(12, "", "")]),
        ("/", []),
        ("", []),
    ],
)
def test_a_cell_is_read_into_units(cell: str, expected: list[tuple[int, str, str]]) -> None:
    assert units(cell) == expected
    assert parse(cell).unread == ()


def test_units_kept_through_the_clip_are_dropped() -> None:
    assert units("AU4(k)+AU12+7 (k)") == [(12, "", "")]


@pytest.mark.parametrize("cell", ["R12 or R15", "4?", "smile", "123"])
def test_what_coders_left_open_is_told_and_not_guessed(cell: str) -> None:
    coding = parse(f"6+{cell}")
    assert coding.unread == (cell.upper(),)
    assert [unit.number for unit in coding.units] == [6]


def test_letters_are_fifths_and_a_missing_one_is_slight() -> None:
    letters = [ActionUnit(number=4, letter=letter).intensity for letter in ("A", "B", "E", "")]
    assert letters == pytest.approx([0.2, 0.4, 1.0, 0.4])
