from pathlib import Path

from service.embedded.doctor import examine


def _part(model_repo: Path, name: str) -> bool:
    return next(part.ok for part in examine(model_repo) if part.name == name)


def test_an_empty_repository_is_reported(tmp_path: Path) -> None:
    assert not _part(tmp_path, "Model repository")
    assert not _part(tmp_path, "Face weights")


def test_only_ensembles_may_lack_a_model_file(tmp_path: Path) -> None:
    for name, config in {"all": 'platform: "ensemble"', "face": 'backend: "onnxruntime"'}.items():
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "config.pbtxt").write_text(config, encoding="utf-8")
    assert not _part(tmp_path, "Model repository")
    (tmp_path / "face" / "1" / "model.onnx").write_bytes(b"onnx")
    assert _part(tmp_path, "Model repository")
    assert _part(tmp_path, "Face weights")


def test_every_part_says_why(tmp_path: Path) -> None:
    assert all(part.name and part.what and part.why for part in examine(tmp_path))
