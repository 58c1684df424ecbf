"""
Every mistake kept: one broken document for each, named for its mistake.

The comments at the top of a document in `tests/data/broken` are what `check`
tells of it, `line:column: message`, no more and no less. A document that stands
for one of `policies/` says which.
"""

import re
from pathlib import Path

import pytest

from gateway.errors import ConfigError, Problem
from gateway.policy.compile import compile_set
from tests.unit.policy.builders import REPOSITORY, TODAY, default_policies

BROKEN = REPOSITORY / "tests" / "data" / "broken"
DOCUMENTS = sorted(BROKEN.glob("*.yaml"))

_TOLD = re.compile(r"# (\d+):(\d+): (warning: )?(.*)")
_ADVICE = re.compile(r"\b(write|remove|keep|save|move|ask|check|flatten)\b")
_STANDS_FOR = re.compile(r"# document: (\S+)")


def _header(path: Path) -> list[str]:
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    lines = text.splitlines()
    return [line for line in lines if line.startswith("# ")]


def _expected(path: Path, name: str) -> list[Problem]:
    told = [found for line in _header(path) if (found := _TOLD.fullmatch(line))]
    return [Problem(name, int(one[1]), int(one[2]), one[4], warning=bool(one[3])) for one in told]


def _compile(policies: dict[str, bytes], manifests: dict[str, bytes]) -> list[Problem]:
    try:
        loaded = compile_set(
            policies,
            manifests,
            lambda file: Path(file).read_bytes(),
            BROKEN,
            home_territory="CN",
            today=TODAY,
        )
    except ConfigError as error:
        return error.problems
    return list(loaded.warnings)


def _stands_for(path: Path) -> str | None:
    found = _STANDS_FOR.match(_header(path)[0])
    return found[1] if found else None


@pytest.fixture(scope="module")
def manifests_told() -> list[Problem]:
    """What one run over all broken manifests together tells."""
    paths = [path for path in DOCUMENTS if _stands_for(path) is None]
    return _compile(default_policies(), {path.name: path.read_bytes() for path in paths})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_each_mistake_has_its_message_and_place(path, manifests_told):
    """A broken document is told with file, line, column and what to write instead."""
    stands_for = _stands_for(path)
    if stands_for is None:
        name, told = f"partners/{path.name}", manifests_told
    else:
        name = f"policies/{stands_for}"
        told = _compile({**default_policies(), stands_for: path.read_bytes()}, {})
    found = [problem for problem in told if problem.file == name]
    assert found == _expected(path, name)
    assert found
    for problem in found:
        assert _ADVICE.search(problem.message), problem.message


def test_all_mistakes_of_a_set_are_told_at_once(manifests_told):
    """One run over every broken manifest tells the mistakes of each, in order."""
    assert len({problem.file for problem in manifests_told}) > 100
    assert manifests_told == sorted(manifests_told)
