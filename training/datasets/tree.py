"""A licence holder's folder, listed once and only as deep as data sets keep their sheets."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

_DEPTH: Final = 4
_IMAGES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
_LAST_NUMBER: Final = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True, slots=True)
class FrameRoot:
    """A folder that holds clips.

    `name` and its children are told by pattern and regular expression, `clips` is the glob from
    it to the clips, or empty where folders hold more than the annotated clips.
    """

    name: str
    child: str
    clips: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """Folders and files near the top of `root`, sorted."""

    root: Path
    folders: tuple[Path, ...]
    files: tuple[Path, ...]

    def sheets(self, patterns: tuple[str, ...]) -> list[Path]:
        """Files whose names match one of the patterns, capitals disregarded."""
        return [path for path in self.files if _matches(path.name, patterns)]

    def frame_roots(self, wanted: FrameRoot) -> list[Path]:
        """Folders of that name with at least one child of the expected form."""
        named = (folder for folder in self.folders if _matches(folder.name, (wanted.name,)))
        return [folder for folder in named if any(children(folder, wanted.child))]


def survey(root: Path) -> Tree:
    """List `root`; what may not be read is left out. Raises NotADirectoryError."""
    if not root.is_dir():
        raise NotADirectoryError(root)
    folders: list[Path] = []
    files: list[Path] = []
    # A loop of links ends with the depth.
    for place, subfolders, names in os.walk(root, followlinks=True):
        folder = Path(place)
        folders.append(folder)
        files += [folder / name for name in names if _is_sheet(name)]
        if len(folder.relative_to(root).parts) >= _DEPTH:
            subfolders.clear()
    return Tree(root, tuple(sorted(folders)), tuple(sorted(files)))


def children(folder: Path, form: str) -> Iterator[Path]:
    """Subfolders whose whole name has the form."""
    for entry in sorted(folder.iterdir()):
        if re.fullmatch(form, entry.name) and entry.is_dir():
            yield entry


def frame_files(folder: Path) -> list[tuple[int, Path]]:
    """Images of a clip with the last number in their names, in that order."""
    found = []
    for entry in os.scandir(folder):
        stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122  # millions of names
        number = _LAST_NUMBER.search(stem)
        if suffix.lower() in _IMAGES and number:
            found.append((int(number[1]), Path(entry.path)))
    return sorted(found)


def _is_sheet(name: str) -> bool:
    """Lock files of Excel and shadow files of macOS are none."""
    return name.lower().endswith((".xlsx", ".xls")) and not name.startswith((".", "~$"))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)
