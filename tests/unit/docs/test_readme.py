"""The README as it stands: its commands are run."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.testing.ports import PortLease
from tests.unit.docs.pages import ROOT, everywhere, fences
from tests.unit.docs.shell import Shell


def readme_script(ports: Mapping[str, str]) -> str:
    """
    The README's shell blocks as one script.

    Left out are calls of make, which build the environment that this runs in;
    that their targets exist is another test. Added: waiting until the gateway
    accepts, the share once more for a purpose that the token does not name, and
    the end.
    """
    blocks = "\n".join(fence.text for fence in fences(ROOT / "README.md", "sh"))
    for written, leased in ports.items():
        blocks = blocks.replace(written, leased)
    share = re.search(r"^curl .*\n(?: .*\n)+", blocks, re.MULTILINE)
    assert share is not None
    other = share[0].replace("Purpose: order-fulfilment", "Purpose: advertising")
    lines = [line for line in blocks.splitlines() if not line.startswith("make ")]
    at = next(place for place, line in enumerate(lines) if re.search(r"serve\s+&", line))
    lines[at + 1 : at + 1] = [
        "trap 'kill $!' EXIT",
        "until [ -e home/data/gateway.run ]; do kill -0 $!; sleep 0.02; done",
    ]
    end = ["trap - EXIT", "kill -TERM $!", "wait $!", "echo drained"]
    return "\n".join(["set -eu", *lines, other, *end])


@pytest.fixture
def readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the README's commands print."""
    internal, public = PortLease(), PortLease()
    settings = {
        "GATEWAY_LISTEN__INTERNAL": internal.address,
        "GATEWAY_LISTEN__PUBLIC": public.address,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    shell = Shell(tmp_path)
    script = readme_script({"127.0.0.1:8080": internal.address, "127.0.0.1:8081": public.address})
    try:
        code, printed = shell.run(script, settings, seconds=45)
    finally:
        internal.release()
        public.release()
    assert code == 0, "\n".join(shell.problems)[-2000:]
    return printed


def test_the_commands_of_the_readme_run_and_do_what_it_says(readme: str) -> None:
    """Pasted one after the other, they make a home, carry a share, explain it, and prove it."""
    (share, other) = [
        json.loads(line) for line in readme.splitlines() if line.startswith('{"type"')
    ]

    assert (share["code"], share["disclosed"]) == ("partner-unreachable", "no")
    assert (other["code"], other["clause"]) == ("service-not-permitted", ["P5"])
    assert "permitted on the ground core-function" in readme
    assert re.search(r"dropped +/birthday", readme)
    assert re.search(r"^verified \d+ leaves", readme, re.MULTILINE)
    assert "ledger.jsonl VERIFIES" in readme
    assert readme.endswith("drained\n")


def test_every_target_of_make_in_the_documents_exists() -> None:
    """What the documents call with make, the Makefile has."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    has = set(re.findall(r"^([a-z]+):", text, re.MULTILINE))
    shown = {
        target
        for fence in everywhere("sh")
        for target in re.findall(r"^make ([\w.-]+)", fence.text, re.MULTILINE)
    }

    assert {"demo", "test"} <= shown <= has
