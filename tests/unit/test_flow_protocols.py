"""Zero-shot and leave-one-subject-out on flow pictures: what may not leak, and what is found."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training import flow_weights
from training.flow_choice import chosen, dealt, group_of_rows, outside, pairs, scores
from training.flow_folds import Material, Request, folds, gathered, tuned
from training.flow_judge import interval, scored
from training.flow_machines import MACHINES
from training.flow_set import CLASSES, FlowSet, FlowSetError
from training.flow_task import NETWORK
from training.models.msjfn import MSJFN
from training.protocols.split import Fold, LeakError
from training.reproduce.megc_flow import table

PEOPLE, CLIPS, GROUPS = 4, 6, 3


@pytest.fixture
def made_up() -> FlowSet:
    """Four people with six clips each; the class decides at which height something moves."""
    count = PEOPLE * CLIPS
    rng = np.random.default_rng(0)
    label = np.arange(count) % 3
    flow = rng.integers(100, 140, (count, 28, 28, 3)).astype(np.uint8)
    for row, height in enumerate(3 + 9 * label):
        flow[row, height : height + 4, 6:22, 1] = 250
    person = np.arange(count) // CLIPS
    return FlowSet(
        flow,
        label,
        np.array([f"casme2:sub{number:02d}" for number in person]),
        np.array(["casme2", "smic"])[(person % 2)],
    )


def _written(flow: FlowSet, file: Path) -> Path:
    np.savez(file, **{name: getattr(flow, name) for name in FlowSet.__slots__})
    return file


def _weights(folder: Path, people: tuple[str, ...] = ()) -> Path:
    torch.manual_seed(0)
    for seed in (1, 2):
        flow_weights.save(MSJFN(NETWORK), flow_weights.file_of(folder, seed), "nothing", people)
    return folder


def test_a_set_is_read_as_it_was_written(made_up: FlowSet, tmp_path: Path) -> None:
    read = FlowSet.load(_written(made_up, tmp_path / "set.npz"))
    assert np.array_equal(read.flow, made_up.flow)
    assert len(read.pool().subjects) == PEOPLE


def test_a_file_of_another_form_is_refused(made_up: FlowSet, tmp_path: Path) -> None:
    np.savez(tmp_path / "half.npz", flow=made_up.flow)
    with pytest.raises(FlowSetError, match="has no dataset, label, subject"):
        FlowSet.load(tmp_path / "half.npz")
    with pytest.raises(FlowSetError, match="labels are"):
        replace(made_up, label=made_up.label + 1)
    with pytest.raises(FlowSetError, match="not u8"):
        replace(made_up, flow=made_up.flow[:, :14])


def test_one_picture_under_two_names_is_a_leak(made_up: FlowSet) -> None:
    copied = made_up.flow.copy()
    copied[-1] = copied[0]
    with pytest.raises(LeakError, match="more than once"):
        replace(made_up, flow=copied).pool()


def test_folds_leave_one_person_out(made_up: FlowSet) -> None:
    every = folds(made_up.pool())
    assert len(every) == PEOPLE
    for fold in every:
        assert len(fold.test.subjects) == 1
        assert not fold.test.subjects & fold.train.subjects


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_finds_what_people_share(made_up: FlowSet, name: str) -> None:
    material = Material.of(made_up)
    answers = gathered(material.pool, MACHINES[name](material), folds(material.pool))
    assert answers.sum(axis=1) == pytest.approx(1)
    assert scored(made_up, answers.argmax(axis=1).astype(np.int64))["all"]["uf1"] == 1.0


def test_weights_that_know_the_person_are_refused(made_up: FlowSet, tmp_path: Path) -> None:
    material = Material.of(made_up)
    fold = folds(material.pool)[0]
    start = flow_weights.file_of(_weights(tmp_path, tuple(fold.test.subjects)), 1)
    with pytest.raises(LeakError, match="taught by pictures of"):
        tuned(fold, material, start, 1)
    pair = pairs(material.pool, GROUPS)[0, 1]
    with pytest.raises(LeakError, match="taught by pictures of"):
        tuned(pair, material, start, 1)


def test_pairs_leave_two_groups_out(made_up: FlowSet) -> None:
    pool = made_up.pool()
    group = dealt(pool, GROUPS)
    for two, fold in pairs(pool, GROUPS).items():
        assert {group[person] for person in fold.train.subjects}.isdisjoint(two)
        assert {group[person] for person in fold.test.subjects} == {two[0]}
        assert {group[person] for person in fold.validation.subjects} == {two[1]}


def test_what_a_group_is_validated_by_knows_neither_it_nor_the_clip(made_up: FlowSet) -> None:
    pool = made_up.pool()
    group, number = group_of_rows(pool, GROUPS), dealt(pool, GROUPS)

    def unknown(fold: Fold) -> np.ndarray:
        """Marks, in place of probabilities, who was learnt from."""
        known = np.zeros(len(CLASSES), np.float32)
        known[sorted({number[person] for person in fold.train.subjects})] = 1
        return np.tile(known, (len(fold.validation.samples) + len(fold.test.samples), 1))

    found = outside(pool, unknown, pairs(pool, GROUPS))
    for one in range(GROUPS):
        for row, own in enumerate(group):
            known = set(np.flatnonzero(found[one, row]))
            assert known == (set() if own == one else set(range(GROUPS)) - {one, own})


def test_each_group_takes_what_suits_the_others(made_up: FlowSet) -> None:
    group = group_of_rows(made_up.pool(), GROUPS)
    right = np.tile(np.eye(len(CLASSES), dtype=np.float32)[made_up.label], (GROUPS, 1, 1))
    wrong_for_others = right.copy()
    wrong_for_others[0] = 0
    wrong_for_others[1, group == 1] = 0  # of its own clips nothing is asked
    tried = {
        "bad": scores(made_up, wrong_for_others, group),
        "good": scores(made_up, right, group),
    }
    assert chosen(tried) == ["good", "bad", "bad"]


def test_missing_and_strange_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(flow_weights.WeightsError, match="flow_zero_shot"):
        flow_weights.load(tmp_path / "none.pt", ())
    with pytest.raises(flow_weights.WeightsError, match="no weights"):
        flow_weights.seeds_in(tmp_path)
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(flow_weights.WeightsError, match="holds no weights"):
        flow_weights.load(tmp_path / "list.pt", ())


def test_a_table_tells_what_is_chosen_and_takes_up_what_it_has(
    made_up: FlowSet, tmp_path: Path
) -> None:
    weights = _weights(tmp_path / "weights")
    file = _written(made_up, tmp_path / "set.npz")
    request = Request(file, tmp_path / "runs", seeds=1, weights=weights)
    first = table(request, GROUPS)
    kept = sorted((tmp_path / "runs").rglob("*.json"))
    assert len(kept) == PEOPLE + GROUPS * (GROUPS - 1) // 2
    before = [answers.stat().st_mtime_ns for answers in kept]
    assert table(request, GROUPS) == first
    assert [answers.stat().st_mtime_ns for answers in kept] == before
    assert len(first["chosen"]) == GROUPS
    assert set(first["chosen"]) <= {"alone", *MACHINES} == set(first["nested_uf1"])
    assert set(first["together"]) == set(first["nested"]) == {"all", "casme2", "smic"}


def test_the_interval_is_over_people(made_up: FlowSet) -> None:
    right = made_up.label.copy()
    assert interval(made_up, right) == (1.0, 1.0)
    right[made_up.subject == made_up.subject[0]] = 0  # one of four people is misjudged
    low, high = interval(made_up, right)
    assert low < 0.8 < high == 1.0


def test_the_command_judges_any_set_of_that_form(made_up: FlowSet, tmp_path: Path) -> None:
    file = _written(replace(made_up, dataset=np.full(PEOPLE * CLIPS, "samm")), tmp_path / "s.npz")
    command = [sys.executable, "-m", "training.evaluate", "flow", "--data", str(file)]
    done = subprocess.run([*command, "--json", "-"], capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["protocol"].startswith("zero-shot")
    assert set(report["mean_of_seeds"]) == {"all", "samm"}
    assert len(report["seeds"]) == len(flow_weights.seeds_in(flow_weights.FOLDER))
