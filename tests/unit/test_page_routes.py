"""The page's files over HTTP, built or not."""

import gzip
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.errors import install_handlers
from service.request_id import RequestId
from service.routes.page import page_routes


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets/index-1.js").write_text("let a = 1;" * 100)
    return tmp_path


def client_of(folder: Path) -> TestClient:
    app = FastAPI()
    app.include_router(page_routes(folder))
    install_handlers(app, ())
    return TestClient(RequestId(app))


def test_a_page_that_was_not_built_says_how(tmp_path: Path) -> None:
    answer = client_of(tmp_path).get("/")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
    assert "make page" in answer.text


@pytest.mark.parametrize("path", ["/", "/gallery"])
def test_the_page_is_asked_for_again_and_its_scripts_are_not(built: Path, path: str) -> None:
    client = client_of(built)
    page, script = client.get(path), client.get("/assets/index-1.js")
    assert page.text == "<!doctype html>"
    assert page.headers["cache-control"] == "no-cache"
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-type"].startswith("text/javascript")


def test_text_is_compressed_where_that_is_understood(built: Path) -> None:
    client = client_of(built)
    with client.stream("GET", "/assets/index-1.js") as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(packed.iter_raw())).startswith(b"let a")
    plain = client.get("/assets/index-1.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text.startswith("let a")


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/gallery/none.json", "/assets/..%2Findex.html", "/favicon.svg"]
)
def test_other_files_are_not_there(built: Path, path: str) -> None:
    answer = client_of(built).get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"
