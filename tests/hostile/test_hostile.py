"""Hostile files over HTTP: each comes to what the table says, and the stack never notices.

`MADV_HOSTILE=full` sends the whole corpus, as `make hostile` does; CI sends some of every kind.
"""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from attack import attack, surroundings
from corpus import corpus, short_form
from expected import expected
from fuzzed import mutated
from sources import Sources

from service.embedded.stack import EmbeddedStack

IS_FULL = os.environ.get("MADV_HOSTILE") == "full"


@pytest.mark.integration
@pytest.mark.slow
def test_hostile_files_come_to_what_the_table_says(
    stack: EmbeddedStack, sources: Sources, eventually: Callable[..., None]
) -> None:
    before = surroundings(stack)
    cases = [
        case
        for case in (corpus(sources) if IS_FULL else short_form(sources))
        if not case.is_heavy  # the stack of the tests takes small files only
    ]

    verdicts = list(attack(stack.gateway_url, cases))

    assert [verdict for verdict in verdicts if not verdict.is_expected] == []
    assert len(verdicts) == len(cases)
    assert stack.pids == before.pids
    assert surroundings(stack).decoders == frozenset()
    eventually(lambda: surroundings(stack).left_over <= before.left_over)


def test_every_case_has_a_name_of_its_own_and_is_in_the_table(sources: Sources) -> None:
    names = Counter(case.name for case in corpus(sources))
    assert [name for name, count in names.items() if count > 1] == []
    assert all(expected(name) for name in names)
    assert sum(name.startswith("fuzzed/") for name in names) >= 500


def test_clips_and_changes_are_the_same_every_time(sources: Sources, tmp_path: Path) -> None:
    again = Sources(tmp_path)
    assert again.mp4 == sources.mp4
    assert again.mpeg4_avi == sources.mpeg4_avi
    for seed in range(24):
        assert mutated(again.mp4, seed) == mutated(sources.mp4, seed) != sources.mp4
