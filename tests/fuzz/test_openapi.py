"""Schemathesis finds no answer of the gateway that its own description does not know."""

from pathlib import Path

from gateway.web import openapi
from tests.fuzz.described import examined, installed
from tests.marks import could_not_run

EXAMPLES = 3
"""Of each operation."""


async def test_no_request_made_from_the_description_breaks_the_gateway(tmp_path: Path) -> None:
    """
    Whatever fits `/openapi.json` or nearly does, no answer is a 5xx, and each has the status
    and the content type that the description says.
    """
    if not installed():
        could_not_run("schemathesis is not installed; it is in the dev group of pyproject.toml")
    seen = await examined(tmp_path, examples=EXAMPLES, phases="fuzzing")
    described = {
        f"{method.upper()} {path}"
        for path, operations in openapi.document()["paths"].items()
        for method in operations
    }

    assert not seen.failures, seen.output
    assert seen.server_errors == 0, seen.output
    assert seen.code == 0, seen.output
    assert seen.operations == described
    assert sum(count for status, count in seen.statuses.items() if status < 300) > 10
