"""Folders and sheets in the layouts of the data sets, with empty files for frames."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

Rows = Sequence[Sequence[object]]
WriteBook = Callable[[Path, Mapping[str, Rows]], Path]
MakeFrames = Callable[[Path, Iterable[str]], Path]

CASME2_HEAD = [
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion"),
]
SAMM_HEAD = [
    *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame"),
    *("Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
]
SAMM_TEXT = [["SAMM Micro FACS codes"], *[[f"line {number}"] for number in range(2, 14)]]


def _write_book(path: Path, sheets: Mapping[str, Rows]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def _make_frames(folder: Path, names: Iterable[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.fixture(scope="session")
def write_book() -> WriteBook:
    return _write_book


@pytest.fixture(scope="session")
def make_frames() -> MakeFrames:
    return _make_frames


@pytest.fixture(scope="session")
def casme2_head() -> list[str | None]:
    return CASME2_HEAD


@pytest.fixture(scope="session")
def samm_head() -> list[str]:
    return SAMM_HEAD


@pytest.fixture(scope="session")
def samm_text() -> list[list[str]]:
    return SAMM_TEXT


def dealt(labels: Mapping[str, int], people: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Labels in random order, each with a person in turn."""
    drawn = [label for label, count in labels.items() for _ in range(count)]
    random.Random(3).shuffle(drawn)
    return zip((people[i % len(people)] for i in range(len(drawn))), drawn, strict=True)


def _smic(root: Path) -> None:
    people = [f"s{number}" for number in range(1, 21) if number not in {7, 10, 16, 17}]
    codes = {"negative": ("ne", 70), "positive": ("po", 51), "surprise": ("sur", 43)}
    counts = {label: count for label, (_, count) in codes.items()}
    for number, (person, label) in enumerate(dealt(counts, people)):
        clip = f"{person}_{codes[label][0]}_{number:02d}"
        folder = root / "SMIC" / "HS" / person / "micro" / label / clip
        _make_frames(folder, ["image000100.jpg", "image000105.jpg"])


def _casme2(root: Path) -> None:
    # Two disgusts that the composite leaves out come first, under their own names.
    rows: list[list[object]] = [
        [4, "EP12_01f", None, 10, 12, 20, None, "4", "disgust"],
        [5, "EP09_05f", None, 10, 12, 20, None, "4", "disgust"],
    ]
    composite = {"disgust": 61, "happiness": 32, "repression": 27, "surprise": 25}
    people = [*range(1, 10), *range(11, 18), *range(19, 27)]
    others = {"others": 99, "sadness": 7, "fear": 2}
    for pool, labels in ((people, composite), ([*people, 10, 18], others)):
        for person, label in dealt(labels, [str(number) for number in pool]):
            clip = f"EP{len(rows):03d}"
            rows.append([int(person), clip, None, 10, 12, 20, None, "4+L9", label])
    for row in rows:
        folder = root / "CASME2" / "CASME2_RAW_selected" / f"sub{row[0]:02d}" / str(row[1])
        # Frame 91 is where the known fixes see the end of row 60.
        _make_frames(folder, [f"img{number}.jpg" for number in (10, 12, 20, 91)])
    _write_book(root / "CASME2" / "CASME2-coding-20140508.xlsx", {"Sheet1": [CASME2_HEAD, *rows]})


def _samm(root: Path) -> None:
    composite = {
        "Anger": 57,
        "Happiness": 26,
        "Surprise": 15,
        "Contempt": 12,
        "Disgust": 9,
        "Fear": 8,
        "Sadness": 6,
    }
    people = [f"{number:03d}" for number in range(6, 34)]
    rows: list[list[object]] = []
    for pool, labels in ((people, composite), ([*people, "037"], {"Other": 26})):
        dealing = list(dealt(labels, pool[::-1]))
        for person, label in dealing:
            clip = f"{person}_1_{len(rows)}"
            rows.append(
                [person, clip, "1", 5562, 5570, 5580, 19, "Micro - 1/2", "R12A+R14A", label, 1, ""]
            )
            folder = root / "SAMM" / person / clip
            # Frame 5739 is where the known fixes see the end of row 56.
            numbers = (5562, 5570, 5580, 5739)
            _make_frames(folder, [f"{person}_{number:05d}.jpg" for number in numbers])
    _write_book(
        root / "SAMM" / "SAMM_Micro_FACS_Codes_v2.xlsx",
        {"MICRO_ONLY": [*SAMM_TEXT, SAMM_HEAD, *rows]},
    )


@pytest.fixture(scope="session")
def megc_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SMIC-HS, CASME II and SAMM with as many clips, classes and people as published."""
    root = tmp_path_factory.mktemp("licensed")
    for build in (_smic, _casme2, _samm):
        build(root)
    return root
