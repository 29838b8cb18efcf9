"""Each data set in its own layout, small."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from training.datasets.check import Report, check
from training.datasets.clip import ClipRow, DatasetName, read_manifest, write_manifest
from training.datasets.finding import Kind, Severity

Rows = Sequence[Sequence[object]]
WriteBook = Callable[[Path, Mapping[str, Rows]], Path]
MakeFrames = Callable[[Path, Iterable[str]], Path]

USUAL = ["Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame"]


def only_clip(report: Report) -> ClipRow:
    assert len(report.clips) == 1
    return report.clips[0]


def kinds(report: Report) -> set[Kind]:
    """What was found besides counts, which small trees never meet, and fixes for whole sheets."""
    expected = {Kind.COUNT_DIFFERS, Kind.FIXES_NOT_APPLIED}
    return {finding.kind for finding in report.findings} - expected


@pytest.mark.parametrize(
    ("camera", "dataset", "fps"),
    [
        ("HS", DatasetName.SMIC_HS, 100),
        ("VIS", DatasetName.SMIC_VIS, 25),
        ("NIR", DatasetName.SMIC_NIR, 25),
    ],
)
def test_smic(
    tmp_path: Path, make_frames: MakeFrames, camera: str, dataset: DatasetName, fps: float
) -> None:
    clip = tmp_path / "SMIC" / camera / "s3" / "micro" / "surprise" / "s3_sur_01"
    make_frames(clip, [f"reg_image{number:06d}.bmp" for number in (310, 311, 312)])

    report = check(tmp_path)

    row = only_clip(report)
    assert kinds(report) == set()
    assert (row.dataset, row.subject, row.clip_id) == (
        dataset,
        "smic:s03",
        f"{dataset}:s03/s03_sur_01",
    )
    assert (row.onset, row.apex, row.offset, row.frames) == (310, None, 312, 3)
    assert (row.emotion, row.coarse, row.fps, row.path) == ("surprise", "surprise", fps, clip)


@pytest.mark.parametrize(
    ("folder", "frame"), [("CASME2_RAW_selected", "img{}.jpg"), ("Cropped", "reg_img{}.jpg")]
)
def test_casme2(
    tmp_path: Path,
    write_book: WriteBook,
    make_frames: MakeFrames,
    casme2_head: list[object],
    folder: str,
    frame: str,
) -> None:
    rows = [casme2_head, [1, "EP02_01f", None, 46, 59, 86, None, "4+L9", "repression"]]
    write_book(tmp_path / "CASME2-coding-20140508.xlsx", {"Sheet1": rows})
    clip = tmp_path / folder / "sub01" / "EP02_01f"
    make_frames(clip, [frame.format(number) for number in range(46, 87)])

    report = check(tmp_path)

    row = only_clip(report)
    assert kinds(report) == set()
    assert (row.subject, row.clip_id) == ("casme2:sub01", "casme2:sub01/EP02_01f")
    assert (row.onset, row.apex, row.offset, row.frames) == (46, 59, 86, 41)
    assert (row.emotion, row.coarse, row.fps, row.path) == ("repression", "negative", 200, clip)
    assert [(unit.number, unit.side) for unit in row.aus] == [(4, ""), (9, "L")]


def test_casme_sq(tmp_path: Path, write_book: WriteBook, make_frames: MakeFrames) -> None:
    root = tmp_path / "CAS(ME)^2"
    coding = [
        [1, "anger1_1", 557, 572, 608, "4+7", "negative", "macro-expression", "anger"],
        [1, "disgust1_2", 20, 26, 0, "4+10", "negative", "micro-expression", "disgust"],
    ]
    rules = {
        "naming rule1": [[1, "s15", 1], [2, "s16", 2]],
        "naming rule2": [["0101", "disgust1", "disgustingteeth"], ["0401", "anger1", "angry"]],
    }
    write_book(root / "CAS(ME)^2code_final(Updated).xlsx", {"CASFEcode_final": coding, **rules})
    clip = root / "rawpic" / "s15" / "15_0101disgustingteeth"
    make_frames(clip, [f"img{number}.jpg" for number in range(1, 40)])

    report = check(tmp_path)

    row = only_clip(report)
    assert kinds(report) == set()
    assert (row.subject, row.clip_id) == ("casme-sq:s15", "casme-sq:s15/disgust1_2")
    assert (row.onset, row.apex, row.offset, row.path) == (20, 26, 26, clip)
    assert (row.emotion, row.coarse, row.fps) == ("negative", "negative", 30)


def test_samm(
    tmp_path: Path,
    write_book: WriteBook,
    make_frames: MakeFrames,
    samm_head: list[object],
    samm_text: Rows,
) -> None:
    coded = [6, "006_1_2", 1, 5562, 5567, 5588, 27, "Micro - 1/2", "AU7B + L14A", "Other", 1, None]
    sheet = tmp_path / "SAMM_Micro_FACS_Codes_v2.xlsx"
    write_book(sheet, {"MICRO_ONLY": [*samm_text, samm_head, coded]})
    clip = tmp_path / "SAMM" / "006" / "006_1_2"
    make_frames(clip, [f"006_{number:05d}.jpg" for number in range(5562, 5589)])

    report = check(tmp_path)

    row = only_clip(report)
    assert kinds(report) == set()
    assert (row.subject, row.clip_id) == ("samm:006", "samm:006/006_1_2")
    assert (row.onset, row.apex, row.offset, row.path) == (5562, 5567, 5588, clip)
    assert (row.emotion, row.coarse, row.fps) == ("Other", None, 200)
    assert [(unit.number, unit.side, unit.letter) for unit in row.aus] == [
        (7, "", "B"),
        (14, "L", "A"),
    ]


def test_mmew(tmp_path: Path, write_book: WriteBook, make_frames: MakeFrames) -> None:
    head = [*USUAL, "Action Units", "Estimated Emotion", "remarks"]
    rows = [head, [1, "S01-anger-1", 1, 9, 17, "4+7", "anger", None]]
    root = tmp_path / "MMEW_Final"
    write_book(root / "MMEW_Micro_Exp.xlsx", {"Sheet1": rows})
    clip = root / "Micro_Expression" / "anger" / "S01-anger-1"
    make_frames(clip, [f"{number}.jpg" for number in range(1, 18)])

    report = check(tmp_path)

    row = only_clip(report)
    assert kinds(report) == set()
    assert (row.subject, row.clip_id) == ("mmew:01", "mmew:01/S01-anger-1")
    assert (row.onset, row.apex, row.offset, row.path) == (1, 9, 17, clip)
    assert (row.coarse, row.fps) == ("negative", 90)


def test_casme3_a_keeps_expressions_of_one_film_apart(
    tmp_path: Path, write_book: WriteBook, make_frames: MakeFrames
) -> None:
    head = [*("Subject", "Filename", "Onset", "Apex", "Offset"), "AU", "Objective class", "emotion"]
    rows = [
        head,
        ["spNO.1", "a", 10, 12, 15, "4", "III", "Disgust"],
        ["spNO.1", "a", 30, 31, 33, "R12", "I", "Happy"],
        ["spNO.2", "b", 1, 2, 3, "14", "VII", "others"],
    ]
    sheet = tmp_path / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx"
    write_book(sheet, {"label": rows})
    films = tmp_path / "ME_A"
    make_frames(films / "spNO.1" / "a" / "color", [f"{number}.jpg" for number in range(1, 20)])
    make_frames(films / "spNO.1" / "a2" / "color", [f"{number}.jpg" for number in range(30, 34)])
    make_frames(films / "spNO.2" / "b" / "color", [f"{number}.jpg" for number in range(1, 4)])
    make_frames(films / "spNO.2" / "b" / "depth", ["1.png"])

    report = check(tmp_path)

    assert kinds(report) == set()
    assert [clip.clip_id for clip in report.clips] == [
        "casme3-a:spNO.1/a@10",
        "casme3-a:spNO.1/a@30",
        "casme3-a:spNO.2/b@1",
    ]
    folders = [clip.path.relative_to(films).parts[1] for clip in report.clips if clip.path]
    assert folders == ["a", "a2", "b"]
    assert [clip.has_depth for clip in report.clips] == [False, False, True]
    assert [clip.coarse for clip in report.clips] == ["negative", "positive", None]
    assert report.clips[0].subject == "casme3:spNO.1"


def test_casme3_c_has_no_apex_and_no_emotion(
    tmp_path: Path, write_book: WriteBook, make_frames: MakeFrames
) -> None:
    rows = [["sub", "count", "onset", "offset", "au"], [3, 2, 100, 109, "4\uff0c7"]]
    write_book(tmp_path / "CAS(ME)3_part_C_ME.xlsx", {"Sheet1": rows})
    frames = [f"{number}.jpg" for number in range(100, 110)]
    make_frames(tmp_path / "ME_C" / "03" / "2" / "color", frames)

    report = check(tmp_path)

    row = only_clip(report)
    assert kinds(report) == {Kind.FULL_WIDTH_AU}
    assert (row.subject, row.onset, row.apex, row.offset) == ("casme3:03", 100, None, 109)
    assert (row.emotion, row.coarse, row.frames) == ("", None, 10)
    assert [unit.number for unit in row.aus] == [4, 7]


def test_4dme(tmp_path: Path, write_book: WriteBook, make_frames: MakeFrames) -> None:
    head = [*("sub_ID", "fold", "fold_name", "Emotion", "Onset", "Apex", "Offset", "AUs"), "AU1"]
    rows = [
        head,
        ["s01", 1, "s01_1", "Surprise+Positive", 5, 8, 11, "AU1+AU4(k)", 1],
        ["s01", 2, "s01_2", "Repression", 5, 8, 11, "AU14", 0],
    ]
    write_book(tmp_path / "4DME_Labelling_Micro_release v1.xlsx", {"Sheet1": rows})
    for name in ("s01_1", "s01_2"):
        make_frames(tmp_path / "gray_micro" / "s01" / name, [f"{n}.jpg" for n in range(5, 12)])

    report = check(tmp_path)

    assert kinds(report) == set()
    assert [clip.coarse for clip in report.clips] == [None, "negative"]
    assert [unit.number for unit in report.clips[0].aus] == [1]
    assert report.clips[0].emotion == "Surprise+Positive"


def test_dfme_reads_the_parts_that_are_there(
    tmp_path: Path, write_book: WriteBook, make_frames: MakeFrames
) -> None:
    head = ["who", "what", "from", "top", "to", "felt", "units", *"ABCDEFG"]
    for part, folder, clip in (
        ("training", "DFME_train", "clip_1"),
        ("test_A", "DFME_test_A", "clip_2"),
    ):
        rows = [head, [f"sub{clip[-1]}", clip, 1, 3, 5, "contempt", "R12", *[None] * 7]]
        write_book(tmp_path / f"DFME_{part}_full_with_AU.xlsx", {"Sheet1": rows})
        make_frames(tmp_path / folder / clip, [f"{number:05d}.png" for number in range(1, 6)])

    report = check(tmp_path)

    assert kinds(report) == set()
    assert [clip.clip_id for clip in report.clips] == ["dfme:sub1/clip_1", "dfme:sub2/clip_2"]
    assert [(clip.fps, clip.coarse, clip.frames) for clip in report.clips] == [
        (None, "negative", 5)
    ] * 2


def test_an_empty_folder_is_told_from_a_data_set(tmp_path: Path) -> None:
    report = check(tmp_path)

    assert [finding.kind for finding in report.findings] == [Kind.NOTHING_FOUND]
    assert report.findings[0].severity is Severity.ERROR


def test_a_manifest_is_read_back_as_written(megc_root: Path, tmp_path: Path) -> None:
    clips = check(megc_root).clips
    path = tmp_path / "manifest.jsonl"

    write_manifest(clips, path)

    assert read_manifest(path) == tuple(sorted(clips, key=lambda clip: clip.clip_id))
