from pathlib import Path

import pytest

from service.client.submission.manifest import Entry, ManifestError, digest, read_manifest
from service.schemas import RecognizeOptions

PLAIN = RecognizeOptions()


def refs(entries: list[Entry]) -> list[str]:
    return [entry.client_ref for entry in entries]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ("b.MP4", "a.webm", "s1/x.zip", "s1/notes.txt", ".hidden.mp4", ".git/c.mp4", "z/d.avi")
    for name in names:
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "clips"


def test_a_folder_yields_its_clips_in_order_and_by_relative_path(folder: Path) -> None:
    entries = read_manifest(folder, PLAIN)
    assert refs(entries) == ["a.webm", "b.MP4", "s1/x.zip", "z/d.avi"]
    assert all(entry.path.is_file() for entry in entries)


def test_links_are_followed_once(folder: Path, tmp_path: Path) -> None:
    (folder / "s1" / "up").symlink_to(folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "e.mkv").write_bytes(b"")
    (folder / "linked").symlink_to(tmp_path / "other")
    assert refs(read_manifest(folder, PLAIN))[2:] == ["linked/e.mkv", "s1/x.zip", "z/d.avi"]


def test_names_that_are_no_unicode_can_be_told(folder: Path) -> None:
    (folder / "z" / "caf\udce9.mp4").write_bytes(b"")
    (entry,) = [entry for entry in read_manifest(folder, PLAIN) if "caf" in entry.client_ref]
    assert entry.client_ref == "z/caf\\udce9.mp4"
    assert entry.path.is_file()


def test_a_rate_for_all_is_for_archives(folder: Path) -> None:
    entries = read_manifest(folder, RecognizeOptions(fps=200))
    assert [entry.options.fps for entry in entries] == [None, None, 200, None]


def test_a_csv_manifest_may_say_more(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "\ufeffsubject,path,client_ref,fps,tags\nS1,a.zip,one,100,left; smile\nS2,sub/b.mp4,,,\n",
        encoding="utf-8",
    )
    first, second = read_manifest(path, RecognizeOptions(deduplicate=False, tags=["all"]))
    assert (first.path, first.client_ref) == (tmp_path / "a.zip", "one")
    assert (first.options.fps, first.options.tags) == (100, ["left", "smile"])
    assert (second.client_ref, second.options.tags) == ("sub/b.mp4", [])
    assert not second.options.deduplicate


def test_a_jsonl_manifest_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text('{"path": "a.mp4", "tags": ["x"], "age": 3}\n\n{"path": "/b.mp4"}\n')
    first, second = read_manifest(path, PLAIN)
    assert first.options.tags == ["x"]
    assert second.path == Path("/b.mp4")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("m.csv", "file\na.mp4\n", "line 2: path"),
        ("m.csv", "path,fps\na.mp4,fast\n", "fps"),
        ("m.csv", "path,fps\na.zip,0\n", "fps"),
        ("m.csv", "path,recognizer\na.mp4,oracle\n", "recognizer"),
        ("m.csv", "path\na.mp4\na.mp4\n", "more than once"),
        ("m.csv", "path\n", "no clips"),
        ("m.jsonl", "{'path'}\n", "line 1"),
        ("m.xlsx", "", "folder or a"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_named(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match=said):
        read_manifest(tmp_path / name, PLAIN)


def test_the_digest_changes_with_clips_and_options(folder: Path) -> None:
    before = digest(read_manifest(folder, PLAIN))
    assert digest(read_manifest(folder, PLAIN)) == before
    assert digest(read_manifest(folder, RecognizeOptions(deduplicate=False))) != before
    (folder / "new.mp4").write_bytes(b"")
    assert digest(read_manifest(folder, PLAIN)) != before
