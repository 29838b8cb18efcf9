"""Known mistakes are put right in sheets of the published length, and in no other."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from training.datasets.check import Report, check
from training.datasets.finding import Kind

Rows = Sequence[Sequence[object]]
WriteBook = Callable[[Path, Mapping[str, Rows]], Path]


def fixed(report: Report) -> dict[str, str]:
    return {f.where: f.detail for f in report.findings if f.kind is Kind.ROW_FIXED}


def casme2_rows(count: int) -> list[list[object]]:
    rows: list[list[object]] = [
        [1, f"EP{index}", None, 40, 50, 60, None, "4", "disgust"] for index in range(count)
    ]
    rows[29][3:6] = [250, "/", 300]
    rows[60][4:6] = ["/", 51]
    return rows


def test_casme2_apexes_and_the_offset(
    tmp_path: Path, write_book: WriteBook, casme2_head: list[object]
) -> None:
    rows = casme2_rows(255)
    write_book(tmp_path / "CASME2-coding-20140508.xlsx", {"Sheet1": [casme2_head, *rows]})

    report = check(tmp_path)

    assert fixed(report) == {
        "row 31": "apex None -> 279",
        "row 62": "apex None -> 78, offset 51 -> 91",
    }
    # A coded apex stays, also in a row whose apex others had to estimate.
    assert (report.clips[35].apex, report.clips[29].apex) == (50, 279)


def test_a_sheet_of_another_length_is_left_alone(
    tmp_path: Path, write_book: WriteBook, casme2_head: list[object]
) -> None:
    rows = casme2_rows(254)
    write_book(tmp_path / "CASME2-coding-20140508.xlsx", {"Sheet1": [casme2_head, *rows]})

    report = check(tmp_path)

    assert fixed(report) == {}
    assert report.clips[60].offset == 51
    (told,) = (f for f in report.findings if f.kind is Kind.FIXES_NOT_APPLIED)
    assert "254 rows" in told.detail


def test_samm_offset_apexes_and_undecided_units(
    tmp_path: Path, write_book: WriteBook, samm_head: list[object], samm_text: Rows
) -> None:
    rows: list[list[object]] = [
        [6, f"006_1_{index}", 1, 10, 20, 30, 21, "Micro", "4", "Anger", 1, None]
        for index in range(159)
    ]
    rows[15][8] = "R12 or R15"
    rows[125][3:6] = [1100, None, 1110]
    write_book(
        tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx",
        {"MICRO_ONLY": [*samm_text, samm_head, *rows]},
    )

    report = check(tmp_path)

    assert report.clips[56].offset == 5739
    assert report.clips[125].apex == 1105
    assert [(unit.number, unit.side) for unit in report.clips[15].aus] == [(12, "R"), (15, "R")]
    assert not [f for f in report.findings if f.kind is Kind.UNREAD_AU]
    # Index 15 is two below the row a person sees, and thirteen lines of text and a header.
    assert fixed(report)["row 30"] == "aus R12 or R15 -> R12 + R15"
    # Units without an `or` stay as coded.
    assert [unit.number for unit in report.clips[18].aus] == [4]


def test_mmew_casme3_and_4dme(tmp_path: Path, write_book: WriteBook) -> None:
    usual = ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame"]
    write_book(
        tmp_path / "MMEW_Micro_Exp.xlsx",
        {
            "Sheet1": [
                [*usual, "Action Units", "Estimated Emotion", "remarks"],
                *[[1, f"c{index}", 1, 90, 91, "4", "fear", None] for index in range(300)],
            ]
        },
    )
    write_book(
        tmp_path / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx",
        {
            "label": [
                [*("Subject", "Filename", "Onset", "Apex", "Offset", "AU"), "emotion"],
                *[[f"spNO.{index}", "a", 1, 2, 3, "4", "fear"] for index in range(860)],
            ]
        },
    )
    write_book(
        tmp_path / "4DME_Labelling_Micro_release v1.xlsx",
        {
            "Sheet1": [
                [*("sub_ID", "fold_name", "Emotion", "Onset", "Apex", "Offset"), "AUs"],
                *[[1, f"c{index}", "Others", 1, 2, 3, str(index % 60 + 1)] for index in range(267)],
            ]
        },
    )

    clips = {clip.clip_id: clip for clip in check(tmp_path).clips}

    assert (clips["mmew:01/c33"].apex, clips["mmew:01/c33"].offset) == (40, 75)
    assert clips["mmew:01/c34"].apex == 90
    assert clips["casme3-a:spNO.128/a@1"].apex == 160
    assert clips["casme3-a:spNO.749/a@1"].onset == 2647
    assert clips["casme3-a:spNO.798/a@1"].offset == 2403
    swapped = [clips[f"4dme:1/c{index}"].aus[0].number for index in (143, 144, 145, 146)]
    assert swapped == [24, 26, 25, 27]


@pytest.mark.parametrize("row", [29, 60])
def test_fixes_leave_frames_in_order(
    tmp_path: Path, write_book: WriteBook, casme2_head: list[object], row: int
) -> None:
    rows = casme2_rows(255)
    write_book(tmp_path / "CASME2-coding-20140508.xlsx", {"Sheet1": [casme2_head, *rows]})

    clip = check(tmp_path).clips[row]

    frames = [clip.onset, clip.apex, clip.offset]
    assert frames == sorted(frame for frame in frames if frame is not None)
