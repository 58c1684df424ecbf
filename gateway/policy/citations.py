"""
Who cites which promise.

A rule cites clauses under `clauses:`; a manifest cites them in its comments
(`# S4a`), where a lawyer reads them beside the line they explain.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.model.ids import ClauseId
from gateway.model.policy import Promise

_COMMENT = re.compile(r"(?:^|\s)#(.*)$")
_LIST = re.compile(r"\bclauses:\s*\[([^\]]*)\]")
_CLAUSE = re.compile(r"[A-Z][0-9]+[a-z]?(?:-[0-9]+)?(?![0-9A-Za-z-])")
# The promises cannot be the evidence that they are kept.
_PROMISES = "policies/promises.yaml"


def citations_of(
    documents: Mapping[str, bytes], promises: Mapping[ClauseId, Promise]
) -> Mapping[ClauseId, tuple[str, ...]]:
    """The names of the documents that cite each promise; none cites `promises.yaml` itself."""
    found: dict[ClauseId, list[str]] = defaultdict(list)
    for name in sorted(set(documents) - {_PROMISES}):
        cited = set(_cited(documents[name].decode("utf-8", errors="replace")))
        for clause in promises:
            if clause in cited:
                found[clause].append(name)
    return MappingProxyType({clause: tuple(names) for clause, names in found.items()})


def _cited(text: str) -> Iterator[str]:
    for line in text.splitlines():
        comment = _COMMENT.search(line)
        for part in (comment[1] if comment else "", *_LIST.findall(line)):
            yield from _CLAUSE.findall(part)
