"""Those who were written from a specification alone know nothing of the gateway."""

import ast
from pathlib import Path

import pytest

FILES = sorted(
    path for path in Path(__file__).parent.glob("*.py") if not path.name.startswith("test_")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_counterpart_imports_nothing_of_the_gateway(path: Path) -> None:
    """What both sides agree on can only come from the specification."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert not node.level
            names = [node.module or ""]
        assert not any(name.split(".")[0] in ("gateway", "tests") for name in names), names
