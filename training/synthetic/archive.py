"""Generated clips on disk: tar shards that stream, and an index that says what they are.

`shard-00000.tar` holds up to 64 clips as `000123.mp4`, `000123.npz`, `000123.json`; `index.json`
beside the shards names version, seed, arguments, AU order, identities and counts. The same clips
give the same bytes.
"""

import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt

from worker.domain import EventSpan
from worker.specs import AU_NAMES, SIDES

VERSION: Final = "synthetic-me/4"
INDEX: Final = "index.json"
CLIPS_PER_SHARD: Final = 64

Kind = Literal["event", "still", "rigid"]
Track = Literal["statistics", "prototypes"]
Depth = tuple[npt.NDArray[np.float16], npt.NDArray[np.bool_]]
"""Depth f16 [H, W] in eye distances (larger is nearer), and where the face is, bool [H, W]."""


class ArchiveError(ValueError):
    """A folder is no archive of clips, or one of another version."""


@dataclass(frozen=True)
class SyntheticClip:
    """One filmed clip and its truth. All coordinates are pixels of the video."""

    name: str
    kind: Kind
    """`still` is a portrait under fresh noise, `rigid` a head that turns without any AU."""
    identity: str
    track: Track
    label: int
    """Index into `worker.specs.LABELS`; stills and turning heads are neutral."""
    fps: float
    codec: str
    """FFmpeg's name of its encoder."""
    side: int
    """Width and height of the video."""
    pts_s: npt.NDArray[np.float64]
    """f64 [N]"""
    intensity: npt.NDArray[np.float32]
    """f32 [N, 2, K], FACS 0-5, absolute; sides and AUs in the order of `worker.specs`"""
    span: EventSpan | None
    """None where nothing happens."""
    poses: npt.NDArray[np.float32]
    """f32 [N, 6]: shift x, y (crop pixels), roll (rad), log scale, yaw, pitch (rad)"""
    video: bytes
    """MP4: H.264 or Motion JPEG"""
    landmarks: npt.NDArray[np.float32]
    """f32 [N, 68, 2]: where the Multi-PIE points truly are"""
    depth: Mapping[int, Depth]
    """By frame: onset and apex of an event, else the first and the middle frame."""


class ArchiveWriter:
    """Writes clips into a folder; leaving the context finishes the last shard and the index."""

    def __init__(self, folder: Path, seed: int, arguments: Mapping[str, str | int]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / INDEX).exists():
            raise FileExistsError(f"{folder} already holds an archive")
        self._folder = folder
        self._seed = seed
        self._arguments = dict(arguments)
        self._shards: list[Path] = []
        self._tar: tarfile.TarFile | None = None
        self._seen = _Counts()

    def add(self, clip: SyntheticClip) -> None:
        """Append one clip; opens the next shard where one is full."""
        if self._seen.clips % CLIPS_PER_SHARD == 0:
            self._finish_shard()
            self._shards.append(self._folder / f"shard-{len(self._shards):05d}.tar")
            self._tar = tarfile.open(_partial(self._shards[-1]), "w")  # noqa: SIM115  # spans calls
        for suffix, content in _members(clip):
            header = tarfile.TarInfo(f"{clip.name}.{suffix}")
            header.size = len(content)
            if self._tar is not None:
                self._tar.addfile(header, io.BytesIO(content))
        self._seen.count(clip)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            if self._tar is not None:
                self._tar.close()
            return
        self._finish_shard()
        index = {
            "version": VERSION,
            "seed": self._seed,
            "arguments": self._arguments,
            "action_units": list(AU_NAMES),
            "sides": list(SIDES),
            "shards": [shard.name for shard in self._shards],
            **self._seen.summary(),
        }
        (self._folder / INDEX).write_text(json.dumps(index, indent=1) + "\n")

    def _finish_shard(self) -> None:
        """Shards get their name when they are whole: an interrupted run leaves no half of one."""
        if self._tar is not None:
            self._tar.close()
            _partial(self._shards[-1]).replace(self._shards[-1])
            self._tar = None


@dataclass
class _Counts:
    clips: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    tracks: Counter[str] = field(default_factory=Counter)
    identities: Counter[str] = field(default_factory=Counter)

    def count(self, clip: SyntheticClip) -> None:
        self.clips += 1
        self.kinds[clip.kind] += 1
        self.tracks[clip.track] += 1
        self.identities[clip.identity] += 1

    def summary(self) -> dict[str, object]:
        return {
            "clips": self.clips,
            "kinds": dict(sorted(self.kinds.items())),
            "tracks": dict(sorted(self.tracks.items())),
            "identities": dict(sorted(self.identities.items())),
        }


def read_clips(folder: Path) -> Iterator[SyntheticClip]:
    """The clips of an archive in order, one in memory at a time.

    Raises `ArchiveError` where the folder holds no archive of this version.
    """
    index = read_index(folder)
    shards = index["shards"]
    if not isinstance(shards, list):
        raise ArchiveError(f"{folder / INDEX} names no shards")
    for name in shards:
        with tarfile.open(folder / str(name)) as tar:
            members: dict[str, bytes] = {}
            for header in tar:
                content = tar.extractfile(header)
                members[header.name.rpartition(".")[2]] = content.read() if content else b""
                if len(members) == len(_SUFFIXES):
                    yield _clip(members)
                    members = {}


def read_index(folder: Path) -> dict[str, object]:
    """The archive's `index.json`; raises `ArchiveError` where there is none of this version."""
    file = folder / INDEX
    if not file.is_file():
        raise ArchiveError(f"{folder} holds no {INDEX}: make it with python -m training.synthetic")
    index: dict[str, object] = json.loads(file.read_text())
    if index.get("version") != VERSION:
        raise ArchiveError(f"{file} is of version {index.get('version')}, not {VERSION}")
    return index


_SUFFIXES: Final = ("json", "npz", "mp4")


def _members(clip: SyntheticClip) -> Iterator[tuple[str, bytes]]:
    facts = {
        "name": clip.name,
        "kind": clip.kind,
        "identity": clip.identity,
        "track": clip.track,
        "label": clip.label,
        "fps": clip.fps,
        "codec": clip.codec,
        "side": clip.side,
        "span": asdict(clip.span) if clip.span else None,
    }
    frames = sorted(clip.depth)
    arrays = io.BytesIO()
    np.savez_compressed(
        arrays,
        pts_s=clip.pts_s,
        intensity=clip.intensity,
        poses=clip.poses,
        landmarks=clip.landmarks,
        depth_frames=np.array(frames, dtype=np.int64),
        depth=np.stack([clip.depth[frame][0] for frame in frames]),
        face=np.stack([clip.depth[frame][1] for frame in frames]),
    )
    yield "json", (json.dumps(facts) + "\n").encode()
    yield "npz", arrays.getvalue()
    yield "mp4", clip.video


def _clip(members: Mapping[str, bytes]) -> SyntheticClip:
    facts = json.loads(members["json"])
    span = facts.pop("span")
    with np.load(io.BytesIO(members["npz"])) as arrays:
        depth, face = arrays["depth"], arrays["face"]
        return SyntheticClip(
            **facts,
            pts_s=arrays["pts_s"],
            intensity=arrays["intensity"],
            span=EventSpan(**span) if span else None,
            poses=arrays["poses"],
            video=members["mp4"],
            landmarks=arrays["landmarks"],
            depth={
                int(frame): (depth[row], face[row])
                for row, frame in enumerate(arrays["depth_frames"])
            },
        )


def _partial(shard: Path) -> Path:
    return shard.with_suffix(".tar.partial")
