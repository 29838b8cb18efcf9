"""A chain of lines in which nothing can be changed without it being seen."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from service.audit.chain import GENESIS, Act, Action, Broken, Head, Line, chained, checked

ACTS = [
    Act(
        id=f"{number}-0",
        at=datetime(2026, 3, 1, 12, 0, number, tzinfo=UTC),
        action=Action.SUBMIT,
        tenant="lab",
        key_id="1vq4jyh3",
        subject=f"job_{number}",
    )
    for number in range(5)
]


@pytest.fixture
def lines() -> list[Line]:
    return list(chained(Head(), ACTS))


def rehashed(line: Line, **changes: object) -> Line:
    changed = line.model_copy(update=changes)
    return changed.model_copy(update={"hash": changed.digest()})


def test_lines_follow_each_other_from_the_first(lines: list[Line]) -> None:
    assert [line.seq for line in lines] == [1, 2, 3, 4, 5]
    assert lines[0].prev == GENESIS
    assert [line.prev for line in lines[1:]] == [line.hash for line in lines[:-1]]
    assert list(checked(lines)) == lines


def test_a_chain_goes_on_where_it_was_left(lines: list[Line]) -> None:
    middle = Head(seq=lines[1].seq, hash=lines[1].hash)
    assert [*lines[:2], *chained(middle, ACTS[2:])] == lines


def test_a_chain_of_which_the_beginning_was_given_away_is_whole(lines: list[Line]) -> None:
    assert list(checked(lines[2:])) == lines[2:]


def test_a_line_survives_being_written(lines: list[Line]) -> None:
    assert [Line.model_validate_json(line.model_dump_json()) for line in lines] == lines


@pytest.mark.parametrize(
    ("tamper", "where"),
    [
        (lambda lines: lines[2].model_copy(update={"subject": "job_9"}), "line 3"),
        (lambda lines: lines[2].model_copy(update={"action": Action.DELETE}), "line 3"),
        (lambda lines: rehashed(lines[2], subject="job_9"), "line 4"),
        (lambda lines: rehashed(lines[2], prev=lines[0].hash), "line 3"),
        (lambda lines: rehashed(lines[2], seq=2), "line 2"),
    ],
)
def test_a_changed_line_is_found(
    lines: list[Line], tamper: Callable[[list[Line]], Line], where: str
) -> None:
    lines[2] = tamper(lines)
    with pytest.raises(Broken, match=where):
        list(checked(lines))


@pytest.mark.parametrize("place", range(1, 4))
def test_a_line_that_is_missing_or_moved_is_found(lines: list[Line], place: int) -> None:
    with pytest.raises(Broken):
        list(checked([*lines[:place], *lines[place + 1 :]]))
    with pytest.raises(Broken):
        list(checked([*lines[: place - 1], lines[place], lines[place - 1], *lines[place + 1 :]]))


def test_a_forged_beginning_is_found(lines: list[Line]) -> None:
    with pytest.raises(Broken, match="line 1"):
        list(checked([rehashed(lines[0], prev="f" * 64)]))
