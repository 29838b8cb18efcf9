from training.synthetic.portraits import SPLITS, split_of


def test_an_identity_keeps_its_split_for_ever() -> None:
    names = ("london_002", "london_003", "canada_003f")
    assert [split_of(name) for name in names] == ["test", "train", "train"]


def test_splits_share_no_identity_and_leave_none_out() -> None:
    names = [f"person_{number}" for number in range(1000)]
    counts = {split: sum(split_of(name) == split for name in names) for split in SPLITS}
    assert sum(counts.values()) == len(names)
    assert 600 < counts["train"] < 760
    assert 80 < counts["validation"] < 160
    assert 150 < counts["test"] < 250
