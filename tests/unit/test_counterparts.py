"""The others that protocols are tried against are none of ours."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "counterparts"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_counterpart_imports_nothing_of_the_gateway(path: Path) -> None:
    """What the two agree on is the specification, and not a mistake that they share."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add((node.module or "").partition(".")[0])

    assert not names & {"gateway", "tests"}
    assert "importlib" not in names
