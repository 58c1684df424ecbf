"""The certificate of the deletion, before somebody who has the public keys and nothing else."""

import hashlib
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.testing.demo.asking import Asked
from gateway.testing.demo.audit import verifier_in
from gateway.testing.demo.house import House
from gateway.testing.demo.leaver import marks_of
from gateway.testing.demo.processes import run
from gateway.testing.demo.tokens import claims_of, decoded
from gateway.testing.processes import gateway_command
from gateway.testing.search import Needles, search_bytes

NAME = "certificate.jws"


async def fetch(house: House, asked: Asked) -> Path:
    """Get the certificate by the command line and put it, with recipients' keys, at the auditor."""
    ran = await house.command("case", "certificate", asked.case)
    if ran.code != 0:
        raise RuntimeError(f"gateway case certificate: {ran.told}")
    path = house.auditor / NAME
    path.write_text(ran.out, encoding="ascii")
    keys = house.auditor / "recipients"
    shutil.copytree(house.home / "partners" / "keys", keys)
    return path


def show(house: House, path: Path) -> dict[str, Any]:
    """Print what it says."""
    said = claims_of(path.read_text().strip())
    house.screen.table(
        ("recipient", "state", "on whose word", "receipts", "backups until"),
        [
            (
                house.name_of(one["partner"]),
                one["state"],
                one["evidence"],
                len(one["receipts"]) or "",
                one["backups_until"] or "",
            )
            for one in said["notices"]
        ],
    )
    house.screen.line()
    return said


async def verify(house: House, path: Path) -> None:
    """Claim that it verifies offline: by the command, and by the verifier alone."""
    folder = path.parent
    verifier_in(house, folder)
    words = [sys.executable, "-I", "verifier.py", path.name, "--trust", "jwks.json"]
    words += ["--partners", "recipients"]
    house.screen.line(f"  {' '.join(['python', *words[1:]])}")
    ran = await run([*words, "--json"], environment={}, folder=folder)
    found: dict[str, Any] = json.loads(ran.out) if ran.out.strip() else {}
    verified = ran.code == 0 and found.get("verified") is True
    refused = f"the verifier refuses: {found.get('error', ran.told)}"
    house.claims.check(
        "the same one file, run alone with the public keys, verifies the certificate",
        verified and found["receipts_checked"] is True,
        f"{len(found['notices'])} notices, with every receipt in it" if verified else refused,
    )
    # No home lies in this folder: there is nothing but the keys to go by.
    command = gateway_command("--json", "case", "verify", path.name, "--trust", "jwks.json")
    own = await run(command, environment=house.environment, folder=folder)
    house.claims.check(
        "so does the command, offline, without any home",
        own.code == 0 and json.loads(own.out)["ok"] is True,
        "gateway case verify" if own.code == 0 else own.told,
    )


def check_person(house: House, asked: Asked, path: Path, said: Mapping[str, Any]) -> None:
    """Claim that who has the salt sees whom it is about, and nobody else anything."""
    account = asked.leaver.member.account
    mine = hashlib.sha256(decoded(asked.salt) + account.encode()).hexdigest()
    house.claims.check(
        "with the salt of the 202 the app shows whom it is about",
        said["subject_hash"] == mine,
        f"SHA-256(salt, id) is {mine[:16]}…",
    )
    marks = marks_of(asked.leaver, dict(asked.held), asked.salt)
    receipts = [token for notice in said["notices"] for token in notice["receipts"]]
    whole = [path.read_text(), json.dumps(said), *(json.dumps(claims_of(t)) for t in receipts)]
    found = search_bytes("\n".join(whole).encode(), Needles(marks))
    house.claims.none_of(
        "without it nobody does: it holds nothing of the person, in any encoding",
        [finding.label for finding in found],
        len(marks),
        "values searched for",
    )
