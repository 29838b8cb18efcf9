"""Whatever is wrong with a tree is told by kind, and the rest of it is read."""

import os
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from training.datasets.check import Report, check
from training.datasets.clip import DatasetName
from training.datasets.finding import Finding, Kind

Rows = Sequence[Sequence[object]]
WriteBook = Callable[[Path, Mapping[str, Rows]], Path]
MakeFrames = Callable[[Path, Iterable[str]], Path]
Build = Callable[[Rows], Path]

SHEET = "CASME2-coding-20140508.xlsx"
GOOD = [1, "EP02_01f", None, 46, 59, 86, None, "4", "disgust"]


def of_kind(report: Report, kind: Kind) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind is kind]


def found(report: Report, kind: Kind) -> Finding:
    (finding,) = of_kind(report, kind)
    return finding


@pytest.fixture
def build(
    tmp_path: Path, write_book: WriteBook, make_frames: MakeFrames, casme2_head: list[object]
) -> Build:
    """CASME II with the given rows, and frames 46 to 86 in every clip they name."""

    def tree(rows: Rows) -> Path:
        write_book(tmp_path / SHEET, {"Sheet1": [casme2_head, *rows]})
        for row in rows:
            if isinstance(row[0], int) and row[1]:
                folder = tmp_path / "CASME2_RAW_selected" / f"sub{row[0]:02d}" / str(row[1])
                make_frames(folder, [f"img{number}.jpg" for number in range(46, 87)])
        return tmp_path

    return tree


def test_a_missing_sheet(build: Build) -> None:
    root = build([GOOD])
    (root / SHEET).unlink()

    report = check(root)

    assert "CASME2-coding" in found(report, Kind.MISSING_SHEET).detail
    assert report.clips == ()
    assert report.has_errors


def test_a_sheet_in_the_old_format(build: Build) -> None:
    root = build([GOOD])
    (root / SHEET).rename(root / "CASME2-coding-20140508.xls")

    report = check(root)

    assert found(report, Kind.OLD_SHEET_FORMAT).where == "CASME2-coding-20140508.xls"
    assert not of_kind(report, Kind.MISSING_SHEET)


@pytest.mark.parametrize("keep", [0, 10, 2000], ids=["empty", "no zip", "cut"])
def test_a_damaged_sheet(build: Build, keep: int) -> None:
    root = build([GOOD])
    (root / SHEET).write_bytes((root / SHEET).read_bytes()[:keep])

    assert found(check(root), Kind.UNREADABLE_SHEET).where == SHEET


def test_sheets_with_bytes_changed_at_random(build: Build) -> None:
    root = build([GOOD])
    whole = (root / SHEET).read_bytes()
    rng = random.Random(11)
    unreadable = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.choices(range(len(whole)), k=4):
            damaged[place] = rng.randrange(256)
        (root / SHEET).write_bytes(damaged)
        unreadable += bool(of_kind(check(root, [DatasetName.CASME2]), Kind.UNREADABLE_SHEET))
    assert unreadable > 20


def test_a_sheet_that_is_something_else(build: Build) -> None:
    root = build([GOOD])
    (root / SHEET).write_text("<html>Please log in</html>", encoding="utf-8")

    assert found(check(root), Kind.UNREADABLE_SHEET).where == SHEET


def test_a_lock_file_of_a_spreadsheet_program_is_no_sheet(build: Build) -> None:
    root = build([GOOD])
    (root / f"~${SHEET}").write_bytes(b"owner")

    assert len(check(root).clips) == 1


def test_several_sheets_the_last_by_name_is_taken(build: Build, write_book: WriteBook) -> None:
    root = build([GOOD])
    write_book(root / "CASME2-coding-20190701.xlsx", {"Sheet1": [["no", "columns"]]})

    report = check(root)

    assert found(report, Kind.SEVERAL_SHEETS).where == "CASME2-coding-20190701.xlsx"
    assert found(report, Kind.WRONG_COLUMNS).where == "CASME2-coding-20190701.xlsx"


def test_wrong_columns_are_named(
    tmp_path: Path, write_book: WriteBook, casme2_head: list[object]
) -> None:
    head = ["Onset" if name == "ApexFrame" else name for name in casme2_head]
    head = ["Mood" if name == "Estimated Emotion" else name for name in head]
    write_book(tmp_path / SHEET, {"Sheet1": [head, GOOD]})

    detail = found(check(tmp_path), Kind.WRONG_COLUMNS).detail

    assert "ApexFrame" in detail
    assert "Estimated Emotion" in detail
    assert "Subject" not in detail


@pytest.mark.parametrize("sheets", [{}, {"Sheet1": []}, {"Sheet1": [], "Sheet2": [["", None]]}])
def test_an_empty_workbook(
    tmp_path: Path, write_book: WriteBook, sheets: Mapping[str, Rows]
) -> None:
    write_book(tmp_path / SHEET, sheets or {"Sheet1": [[]]})

    assert "Subject" in found(check(tmp_path), Kind.WRONG_COLUMNS).detail


def test_a_missing_naming_rule(tmp_path: Path, write_book: WriteBook) -> None:
    row = [1, "disgust1_2", 20, 26, 30, "4", "negative", "micro-expression", "disgust"]
    write_book(tmp_path / "CAS(ME)^2code_final.xlsx", {"CASFEcode_final": [row]})

    assert "naming rule1" in found(check(tmp_path), Kind.MISSING_SHEET).detail


@pytest.mark.parametrize(
    "rows",
    [[["a", "b"]], [list("abcdefg"), ["s1", "c1", "x", "y", "z", "fear", "4"]]],
    ids=["narrow", "no numbers"],
)
def test_wrong_places_of_columns(tmp_path: Path, write_book: WriteBook, rows: Rows) -> None:
    write_book(tmp_path / "DFME_training_full_with_AU.xlsx", {"Sheet1": rows})

    assert found(check(tmp_path), Kind.WRONG_COLUMNS).about == "dfme"


def test_no_folder_of_frames_at_all(
    tmp_path: Path, write_book: WriteBook, casme2_head: list[object]
) -> None:
    write_book(tmp_path / SHEET, {"Sheet1": [casme2_head, GOOD]})

    report = check(tmp_path)

    assert "CASME2?RAW" in found(report, Kind.MISSING_FOLDER).detail
    assert not of_kind(report, Kind.MISSING_CLIP)
    assert [clip.path for clip in report.clips] == [None]


def test_missing_empty_and_extra_clips(build: Build) -> None:
    rows = [[1, name, *GOOD[2:]] for name in ("EP1", "EP2", "EP3")]
    root = build(rows)
    clips = root / "CASME2_RAW_selected" / "sub01"
    (clips / "EP1").rename(clips / "EP9")
    for frame in (clips / "EP2").iterdir():
        frame.unlink()

    report = check(root)

    assert found(report, Kind.MISSING_CLIP).where == "casme2:sub01/EP1"
    assert found(report, Kind.EMPTY_CLIP).where == "casme2:sub01/EP2"
    assert found(report, Kind.EXTRA_CLIP).where == str(clips / "EP9")
    assert [clip.path is not None for clip in report.clips] == [False, False, True]


def test_duplicate_rows_count_once_and_contradictions_are_told(build: Build) -> None:
    again, other = [*GOOD], [*GOOD[:3], 50, *GOOD[4:]]

    report = check(build([GOOD, again, other]))

    assert len(report.clips) == 1
    first, second = of_kind(report, Kind.DUPLICATE_ROW)
    assert (first.where, second.where) == ("row 3", "row 4")
    assert "the same as row 2" in first.detail
    assert "contradicts row 2" in second.detail


@pytest.mark.parametrize("apex", ["/", None, float("nan"), "nan", "?"])
def test_an_apex_that_is_no_number_is_none(build: Build, apex: object) -> None:
    report = check(build([[*GOOD[:4], apex, *GOOD[5:]]]))

    assert report.clips[0].apex is None
    assert found(report, Kind.MISSING_APEX).where == "row 2"


def test_frames_that_cannot_be(build: Build) -> None:
    late, reversed_, none = (
        [1, "EP1", None, 46, 59, 99, None, "4", "disgust"],
        [1, "EP2", None, 60, 50, 86, None, "4", "disgust"],
        [1, "EP3", None, "x", 59, 86, None, "4", "disgust"],
    )

    report = check(build([late, reversed_, none]))

    assert "offset 99 is no frame of 46..86" in found(report, Kind.FRAME_OUTSIDE).detail
    assert found(report, Kind.FRAME_ORDER).where == "row 3"
    assert found(report, Kind.MISSING_FRAME).detail == "no onset"


def test_rows_without_a_subject_or_name(build: Build) -> None:
    report = check(build([GOOD, [None, *GOOD[1:]], [2, None, *GOOD[2:]], [None] * 9]))

    assert [finding.where for finding in of_kind(report, Kind.INCOMPLETE_ROW)] == ["row 3", "row 4"]
    assert len(report.clips) == 1


def test_action_units_typed_oddly(build: Build) -> None:
    wide = [1, "EP1", *GOOD[2:7], "4\uff0cR12A", "disgust"]
    doubtful = [1, "EP2", *GOOD[2:7], "6+R12 or R15", "disgust"]

    report = check(build([wide, doubtful]))

    assert [unit.number for unit in report.clips[0].aus] == [4, 12]
    assert found(report, Kind.FULL_WIDTH_AU).where == "row 2"
    assert [unit.number for unit in report.clips[1].aus] == [6]
    assert "R12 OR R15" in found(report, Kind.UNREAD_AU).detail


def test_an_emotion_nobody_knows(build: Build) -> None:
    report = check(build([[*GOOD[:8], "smug"]]))

    assert found(report, Kind.UNKNOWN_EMOTION).detail == "emotion 'smug'"
    assert report.clips[0].coarse is None


def test_smic_folders_that_are_not_as_they_should_be(
    tmp_path: Path, make_frames: MakeFrames
) -> None:
    people = tmp_path / "HS"
    make_frames(people / "s1" / "micro" / "negative" / "s1_ne_01", ["image1.jpg"])
    make_frames(people / "s1" / "micro" / "happy" / "clip", ["image1.jpg"])
    make_frames(people / "s2" / "macro", [])

    report = check(tmp_path)

    assert found(report, Kind.MISSING_FOLDER).where == str(people / "s2")
    assert found(report, Kind.EXTRA_CLIP).where.endswith("clip")
    assert {clip.coarse for clip in report.clips} == {"negative", "positive"}


def test_one_damaged_data_set_does_not_hide_another(build: Build, make_frames: MakeFrames) -> None:
    root = build([GOOD])
    (root / SHEET).write_bytes(b"")
    make_frames(root / "HS" / "s1" / "micro" / "negative" / "s1_ne_01", ["image1.jpg"])

    report = check(root)

    assert [clip.dataset for clip in report.clips] == [DatasetName.SMIC_HS]
    assert report.has_errors


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(build: Build) -> None:
    root = build([GOOD])
    locked = root / "CASME2_RAW_selected" / "sub01" / "EP02_01f"
    locked.chmod(0)
    try:
        assert found(check(root), Kind.UNREADABLE_FOLDER).where == str(locked)
    finally:
        locked.chmod(0o700)


def test_a_data_set_asked_for_and_not_there(build: Build) -> None:
    report = check(build([GOOD]), [DatasetName.SAMM])

    assert found(report, Kind.NOTHING_FOUND).about == "samm"
    assert report.clips == ()
