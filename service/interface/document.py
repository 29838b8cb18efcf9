"""FastAPI's OpenAPI document, completed: examples, headers, links, problems by code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from service.errors import KINDS, MEDIA_TYPE, Code
from service.interface.examples import example_options, examples, texts
from service.interface.operations import ANYWHERE, OPERATIONS, Link, Operation
from service.interface.problems import example_problems
from service.request_id import HEADER
from service.schemas import Problem, RecognizeOptions

_Node = dict[str, Any]

DESCRIPTION = """\
Send a clip, follow its job, fetch the result: class probabilities, onset, apex, offset, and an
action-unit intensity for every frame.

Every error is a problem (RFC 9457) with a stable `code`; `retryable` says whether the same request
may succeed later. Any operation may also answer 400 `malformed-request` and, where the service
runs without keys on loopback, 421 `misdirected` and 403 `origin-refused`; any address 405
`method-not-allowed` with `Allow`.
"""
_SCHEMAS = "#/components/schemas/"
_HEADERS = {
    HEADER: "Names the request in the service's log; taken over where the request carries one.",
    "Location": "Where the new job or batch is.",
    "Retry-After": "Seconds until it makes sense to ask again.",
    "Preference-Applied": "The `wait` that was granted.",
    "Idempotent-Replayed": "`true`: an earlier request with the same key made this job.",
    "ETag": "Names this version, for `If-None-Match`.",
    "Content-Disposition": "A file name.",
    "Deletion-Receipt": "A signed statement (JWT, Ed25519) that nothing of the job is kept.",
    "WWW-Authenticate": "`Bearer`.",
    "Allow": "Of 405: the methods that are allowed here.",
}
_ALWAYS_THERE = frozenset({HEADER, "Location", "ETag", "WWW-Authenticate"})
_OF_STATUS = {"401": ("WWW-Authenticate",), "503": ("Retry-After",), "default": ("Allow",)}
_LINES = "application/x-ndjson"
_FORM = "multipart/form-data"


def install_description(app: FastAPI) -> None:
    """Make the completed document what `app` serves at `/openapi.json` and shows at `/docs`."""
    generate = app.openapi

    def openapi() -> _Node:
        if app.openapi_schema is None:
            app.openapi_schema = completed(generate())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def completed(document: _Node) -> _Node:
    """The same document with all that `service.interface` tells.

    Raises KeyError for an operation, a status or a problem of which it tells nothing.
    """
    document["info"]["description"] = DESCRIPTION
    components = document["components"]
    components["headers"] = {name: _header(name) for name in _HEADERS}
    components["schemas"].update(_schemas_of_options())
    completer = _Completer(examples(), texts(), example_problems())
    for name, node in _operations(document):
        completer.complete(node, OPERATIONS[name])
    return document


def _operations(document: _Node) -> Iterator[tuple[str, _Node]]:
    for path, methods in document["paths"].items():
        for method, node in methods.items():
            yield f"{method.upper()} {path}", node


@dataclass(frozen=True, slots=True)
class _Completer:
    examples: Mapping[str, BaseModel]
    texts: Mapping[str, str]
    problems: Mapping[Code, Problem]

    def complete(self, node: _Node, operation: Operation) -> None:
        node["operationId"] = operation.id
        self._show_request(node.get("requestBody", {}).get("content", {}))
        for status, answer in node["responses"].items():
            if _is_problem(status):
                answer["content"] = {MEDIA_TYPE: self._problems(status, operation)}
            else:
                self._show_answer(answer.get("content", {}))
            names = (HEADER, *operation.headers.get(status, ()), *_OF_STATUS.get(status, ()))
            answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
            if links := operation.links.get(status):
                answer["links"] = {link.to: _link(link) for link in links}
        _refuse_untold(node, operation)

    def _show_request(self, content: _Node) -> None:
        for media_type, body in content.items():
            if media_type == _FORM:
                body["examples"] = _forms()
            else:
                self._show(body)

    def _show_answer(self, content: _Node) -> None:
        if _LINES in content:  # each line is of the schema, not the whole
            content.pop("application/json", None)
            content[_LINES] = {"schema": {"type": "string", "description": "Lines of BatchResult."}}
        for media_type, body in content.items():
            if media_type in self.texts:
                body["example"] = self.texts[media_type]
            else:
                self._show(body)

    def _show(self, body: _Node) -> None:
        name = body.get("schema", {}).get("$ref", "").removeprefix(_SCHEMAS)
        if name:
            is_request = name.endswith("Request")
            body["example"] = self.examples[name].model_dump(mode="json", exclude_unset=is_request)

    def _problems(self, status: str, operation: Operation) -> _Node:
        body: _Node = {"schema": {"$ref": f"{_SCHEMAS}Problem"}}
        if status == "default":
            return body
        possible = [*operation.codes, *ANYWHERE]
        codes = [code for code in possible if KINDS[code].status == int(status)]
        if not codes:
            raise KeyError(f"{operation.id} has no problem of status {status}")
        body["examples"] = {
            str(code): {
                "summary": KINDS[code].title,
                "value": self.problems[code].model_dump(mode="json", exclude_none=True),
            }
            for code in codes
        }
        return body


def _refuse_untold(node: _Node, operation: Operation) -> None:
    told = set(node["responses"])
    spoken_of = {str(KINDS[code].status.value) for code in operation.codes}
    if untold := (spoken_of | set(operation.headers) | set(operation.links)) - told:
        raise KeyError(f"{operation.id} does not name the statuses {sorted(untold)}")


def _forms() -> _Node:
    """Of an upload; its options are JSON inside a form."""
    options = example_options().model_dump_json(exclude_unset=True)
    clip = {"file": "(bytes)"}
    return {
        "clip": {"summary": "A clip alone", "value": clip},
        "options": {"summary": "With options", "value": {**clip, "options": options}},
        "frames": {
            "summary": "A .zip of numbered frames",
            "value": {**clip, "options": '{"fps": 200}'},
        },
    }


def _is_problem(status: str) -> bool:
    return status == "default" or int(status) >= HTTPStatus.BAD_REQUEST


def _link(link: Link) -> _Node:
    return {"operationId": link.to, "parameters": dict(link.parameters)}


def _header(name: str) -> _Node:
    described: _Node = {"description": _HEADERS[name], "schema": {"type": "string"}}
    return {**described, "required": True} if name in _ALWAYS_THERE else described


def _schemas_of_options() -> _Node:
    """What the `options` of an upload hold: FastAPI sees no more than a string."""
    schema = RecognizeOptions.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
    return {**schema.pop("$defs", {}), "RecognizeOptions": schema}
