"""Makes the synchronous client of the asynchronous one: `python -m service.client.generate`.

Only names differ between the two, so unasync's exchange of names does it; ruff then formats.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from unasync import Rule, unasync_files

HERE = Path(__file__).parent
SOURCE, TARGET = "_async", "_sync"
HEADER = f"# Generated from {SOURCE}/{{name}} by `make client`: change that file, not this one.\n"

_NAMES = {
    "AsyncBatchCalls": "BatchCalls",
    "AsyncClient": "Client",
    "AsyncConnection": "Connection",
    "AsyncJobCalls": "JobCalls",
    "AsyncMadvClient": "MadvClient",
    "_async": "_sync",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "aiter_sse": "iter_sse",
    "aread": "read",
    "sleep_async": "sleep",
}
_PACKAGE_DOCSTRING = '"""The synchronous client, generated from the asynchronous one."""\n'


def generated() -> Mapping[str, str]:
    """The text of every generated file by its name."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / SOURCE, Path(folder) / TARGET
        source.mkdir()
        modules = sorted(path for path in (HERE / SOURCE).glob("*.py") if path.stem != "__init__")
        copies = [source / module.name for module in modules]
        for module, copy in zip(modules, copies, strict=True):
            copy.write_bytes(module.read_bytes())
        rule = Rule(f"{source}/", f"{target}/", additional_replacements=_NAMES)
        unasync_files([str(copy) for copy in copies], [rule])
        texts = {
            module.name: _tidied(HEADER.format(name=module.name) + text)
            for module in modules
            for text in [(target / module.name).read_text(encoding="utf-8")]
        }
    return {"__init__.py": _PACKAGE_DOCSTRING, **texts}


def _tidied(text: str) -> str:
    """Imports in order and lines as ruff likes them: shorter names change both."""
    name = str(HERE / TARGET / "generated.py")
    ours = 'lint.isort.known-first-party = ["service", "worker"]'
    rules = ("check", "--fix-only", "--unsafe-fixes", "--select", "I,UP028", "--config", ours)
    for arguments in (rules, ("format",)):
        command = [
            sys.executable,
            "-m",
            "ruff",
            *arguments,
            "--quiet",
            "--stdin-filename",
            name,
            "-",
        ]
        ran = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        text = ran.stdout
    return text


def main() -> None:
    """Write the generated files."""
    for name, text in generated().items():
        (HERE / TARGET / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
