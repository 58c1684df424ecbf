"""The kit as a whole: it stands alone, and its own example runs."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import gateway.recipient
from gateway.recipient import sign_receipt
from gateway.seal.keys import private_jwk
from tests.marks import promise
from tests.unit.recipient.builders import (
    DATA,
    ISSUED,
    ISSUER,
    JWKS,
    KEYS,
    PARTNER,
    granted,
    notice,
    request,
    sealed,
)

ROOT = Path(gateway.recipient.__file__).parents[2]
SIGN = private_jwk(Ed25519PrivateKey.from_private_bytes(bytes([5]) * 32), "sig-1")


def example() -> str:
    """The program in the kit's docstring."""
    text = (gateway.recipient.__doc__ or "").partition("::\n")[2]
    block = [line for line in text.splitlines() if not line or line.startswith("    ")]
    return textwrap.dedent("\n".join(block))


@pytest.fixture
def recipient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The documented program, running where its files are, at the time of the tests' grants."""
    files = {"private.jwks": KEYS, "private.sig.jwk": SIGN, "gateway.jwks": JWKS}
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.time", lambda: float(ISSUED))
    names: dict[str, Any] = {}
    exec(compile(example(), "example", "exec"), names)
    return names


@promise("S4d", "R3")
def test_the_documented_recipient_takes_a_share_and_deletes_it(recipient: dict[str, Any]) -> None:
    """The program of the documentation takes a sealed share, refuses it the second time, and after
    a notice has deleted it and says so in a receipt."""
    shipment: Callable[..., tuple[int, dict[str, str]]] = recipient["shipment"]
    phone = sealed(b'"13800138000"', field="/recipient/phone")
    asked = request(json.dumps({"recipient": {"phone": phone}}).encode())
    arguments = (asked.method, asked.target, asked.headers, asked.body)

    assert shipment(*arguments)[0] == 201
    assert shipment(*arguments) == (403, {"error": "replayed"})
    assert recipient["parcels"][DATA["subject"]]["phone"] == "13800138000"

    message = notice()
    status, answer = recipient["privacy_notice"](message.headers, message.body)
    claims = jwt.decode(answer["post"], options={"verify_signature": False})

    assert (status, answer["to"], recipient["parcels"]) == (200, DATA["receipts"], {})
    assert (claims["iss"], claims["aud"], claims["notice"], claims["status"]) == (
        PARTNER,
        ISSUER,
        "ntc_1",
        "completed",
    )


def test_the_documented_recipient_refuses_a_stranger(recipient: dict[str, Any]) -> None:
    """The program of the documentation answers a forged notice with the code."""
    message = notice()
    status, answer = recipient["privacy_notice"](message.headers, message.body + b" ")

    assert (status, answer) == (401, {"error": "notice-signature-invalid"})


def test_the_kit_stands_alone() -> None:
    """Importing the kit loads nothing else of the gateway, and of the rest only its two needs."""
    script = (
        "import sys; before = set(sys.modules); import gateway.recipient;"
        "print(*sorted({m for m in set(sys.modules) - before}))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    loaded = ran.stdout.split()
    tops = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    foreign = [name for name in loaded if name.startswith("gateway.")]

    assert ran.returncode == 0, ran.stderr
    assert all(name.startswith("gateway.recipient") for name in foreign)
    assert {top for top in tops if not top.startswith("_")} <= {
        "gateway",
        "cryptography",
        "jwt",
        "typing_extensions",
    }


def test_what_the_kit_makes_the_kit_does_not_take_for_a_grant() -> None:
    """A receipt is no grant, though both are signed tokens."""
    receipt = sign_receipt(
        SIGN, partner=PARTNER, audience=ISSUER, notice="ntc_1", status="completed", now=ISSUED
    )
    asked = request()
    asked.headers["Sharing-Grant"] = receipt

    with pytest.raises(gateway.recipient.RecipientError) as refused:
        asked.receive()
    assert refused.value.code == "grant-invalid"
    assert granted() != receipt
