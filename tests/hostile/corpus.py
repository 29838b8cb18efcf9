"""All hostile cases."""

from collections import defaultdict
from collections.abc import Iterator

import archives
import fuzzed
import lying
import oversized
import references
import streams
import times
import truncated
from cases import Case
from sources import Sources

FAMILIES = (truncated, lying, oversized, archives, times, streams, references, fuzzed)
PER_FAMILY = 2
"""Cases of each kind in the short form."""
PER_FUZZED = 12


def corpus(sources: Sources) -> Iterator[Case]:
    """Every case, each name once."""
    for family in FAMILIES:
        yield from family.cases(sources)


def short_form(sources: Sources) -> Iterator[Case]:
    """Some of every kind, spread evenly, none of them heavy."""
    families: dict[str, list[Case]] = defaultdict(list)
    for case in corpus(sources):
        if not case.is_heavy:
            families[case.family].append(case)
    for name, cases in families.items():
        wanted = PER_FUZZED if name == "fuzzed" else PER_FAMILY
        yield from cases[:: -(-len(cases) // wanted)]
