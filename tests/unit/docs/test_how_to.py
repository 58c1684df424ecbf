"""Manifests, cases and programs in the documents: they load, and they run."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner

from gateway import config as settings
from gateway import wiring
from gateway.cli import cli
from gateway.cli.start import make_home
from gateway.decide.cases import Verdict, parse_cases, run_cases
from gateway.keyring import FileKeyring
from gateway.policy.compile import compile_set
from gateway.policy.documents import scan_document
from gateway.policy.rules import RULE_DOCUMENTS
from gateway.recipient import CODES
from gateway.recipient.receipts import STATUSES
from tests.unit.docs.pages import (
    DOCS,
    ROOT,
    Fence,
    calls,
    everywhere,
    fences,
    only,
    tables,
    text_of,
)
from tests.unit.recipient import builders as sender


def policy_documents() -> dict[str, bytes]:
    """The default policy."""
    return {name: (ROOT / "policies" / name).read_bytes() for name in RULE_DOCUMENTS}


def shown_manifests() -> list[Fence]:
    """Every whole manifest in the documents."""
    return [one for one in everywhere("yaml") if re.search(r"^partner: ", one.text, re.MULTILINE)]


@pytest.mark.parametrize("fence", shown_manifests(), ids=lambda fence: fence.page.stem)
def test_a_manifest_in_the_documents_loads(fence: Fence) -> None:
    """Every manifest that is shown loads under the default policy without a warning."""
    keys = (ROOT / "partners" / "keys" / "swift-parcel.jwks.json").read_bytes()
    loaded = compile_set(
        policy_documents(),
        {"shown.yaml": fence.text.encode()},
        lambda path: keys,
        Path("/partners"),
        home_territory="CN",
        strict=True,
        today=date(2026, 11, 22),
    )

    assert len(loaded.policy.partners) == 1


def test_every_piece_of_yaml_in_the_documents_is_read_without_a_problem() -> None:
    """What is only a part of a document is at least one that the strict reader takes."""
    shown = everywhere("yaml")

    assert len(shown) > len(shown_manifests()) > 1
    for fence in shown:
        document = scan_document(fence.page.name, fence.text.encode())
        assert document.problems == (), fence.page.name


@pytest.fixture
def onboarded(tmp_path: Path) -> Path:
    """A home into which the page's partner was taken as the page says."""
    page = DOCS / "how-to" / "onboard-a-partner.md"
    make_home(tmp_path / "home")
    for fence in fences(page, "yaml"):
        (tmp_path / "home" / fence.name).write_text(fence.text, encoding="utf-8")
    keys, body = fences(page, "json")
    (tmp_path / "home" / "partners" / "keys" / "north-courier.jwks.json").write_text(keys.text)
    (tmp_path / "parcel.json").write_text(body.text, encoding="utf-8")
    return tmp_path


def test_onboarding_goes_as_the_page_says(onboarded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's manifest, keys and cases pass the check, and its share is explained."""
    monkeypatch.chdir(onboarded)
    page = "onboard-a-partner.md: gateway --home home "
    runs = {where.removeprefix(page).split()[0]: words for where, words in calls() if page in where}
    checked = CliRunner().invoke(cli, runs["check"][1:])
    explained = CliRunner().invoke(cli, ["--json", *runs["explain"][1:]])
    listed = CliRunner().invoke(cli, runs["partner"][1:])

    assert (checked.exit_code, explained.exit_code, listed.exit_code) == (0, 0, 0), checked.output
    fates = {one["pointer"]: one["fate"] for one in json.loads(explained.stdout)["fields"]}
    assert fates == {
        "path.reference": "kept",
        "/to/name": "transformed",
        "/to/phone": "sealed",
        "/to/address": "kept",
        "/note": "kept",
        "/birthday": "dropped",
    }


def test_the_decision_cases_of_the_page_come_out_as_written(onboarded: Path) -> None:
    """Each of them is asked of the page's own manifest, and none passes by not applying."""
    path = onboarded / "home" / "policies" / "cases" / "north-courier.yaml"
    asked = parse_cases(path.name, path.read_bytes())
    config = settings.load(onboarded / "home", {})
    policy = wiring.read_documents(config, FileKeyring(onboarded / "home" / "keys")).policy

    assert [str(one) for one in run_cases(policy, asked) if one.verdict is not Verdict.PASSED] == []
    assert len(asked) == 5


@pytest.mark.parametrize("fence", everywhere("python"), ids=lambda one: one.name or one.page.stem)
def test_python_in_the_documents_compiles(fence: Fence) -> None:
    """Every program that is shown is one that Python reads."""
    assert compile(fence.text, str(fence.page), "exec")


def test_a_signing_key_is_replaced_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's first command shows the keys, its second puts another one in force; both the
    old one and the new one are public."""
    make_home(tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    words = [words for where, words in calls() if where.startswith("rotate-keys.md")]
    old = FileKeyring(Path("home/keys")).signing("grant").kid
    for command in words[:2]:
        told = [one.replace("/var/lib/gateway", "home") for one in command[1:]]
        done = CliRunner().invoke(cli, told)
        assert done.exit_code == 0, done.output
    keys = FileKeyring(Path("home/keys"))

    assert keys.signing("grant").kid != old
    assert {old, keys.signing("grant").kid} <= {key["kid"] for key in keys.public_jwks()["keys"]}


@pytest.fixture
def recipient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, Any]]:
    """The programs of the page for partners, in a folder of their own, at the time of the grants;
    `posted` collects what they post, `asked` counts how often they fetch the gateway's keys."""
    shown = [one for one in fences(DOCS / "how-to" / "for-partners.md", "python") if one.name]
    names = [one.name.removesuffix(".py") for one in shown]
    for fence in shown:
        (tmp_path / fence.name).write_text(fence.text, encoding="utf-8")
    posted: list[Any] = []
    asked: list[str] = []

    class Answer:
        def __init__(self, value: Any) -> None:
            self.value = value

        def __enter__(self) -> "Answer":
            return self

        def __exit__(self, *_: object) -> None: ...

        def read(self) -> bytes:
            return json.dumps(self.value).encode()

    def urlopen(request: Any, timeout: float) -> Answer:
        if isinstance(request, str):
            asked.append(request)
            return Answer(sender.JWKS)
        posted.append(request)
        return Answer({"notice": "ntc_1", "state": "completed"})

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    monkeypatch.setattr("time.time", lambda: float(sender.ISSUED))
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    modules: dict[str, Any] = {name: __import__(name) for name in sorted(names, key=_keys_first)}
    yield modules | {"posted": posted, "asked": asked}
    for name in names:
        sys.modules.pop(name, None)


def _keys_first(name: str) -> bool:
    return name != "make_keys"


def shared(modules: Mapping[str, Any]) -> Any:
    """A share with a telephone number sealed for the keys that the page's program made."""
    (key,) = modules["recipient"].OPEN["keys"]
    phone = sender.sealed(
        b'"13800138000"',
        jwk=key,
        field="/recipient/phone",
    )
    body = json.dumps({"recipient": {"phone": phone, "address": "成都市锦江区1号"}})
    return sender.request(body.encode())


def test_the_recipient_of_the_page_takes_a_share_once(recipient: Mapping[str, Any]) -> None:
    """It makes its keys, opens what is sealed for them, and refuses the same grant again."""
    asked = shared(recipient)
    arguments = (asked.method, asked.target, asked.headers, asked.body)
    program = recipient["recipient"]

    assert program.shipment(*arguments)[0] == 201
    assert program.shipment(*arguments) == (403, {"error": "replayed"})
    assert program.parcels[sender.DATA["subject"]]["phone"] == "13800138000"
    assert recipient["asked"] == ["https://sharing.shop.example/.well-known/jwks.json"]


def test_the_recipient_of_the_page_deletes_and_says_so(recipient: Mapping[str, Any]) -> None:
    """A notice is acted on, and a receipt that verifies by its public key is posted."""
    asked = shared(recipient)
    recipient["recipient"].shipment(asked.method, asked.target, asked.headers, asked.body)
    message = sender.notice()
    notices = recipient["notices"]
    status, _ = notices.privacy_notice(message.headers, message.body)
    assert recipient["posted"] == []
    notices.work()
    (posted,) = recipient["posted"]
    public = json.loads(Path("swift-parcel.jwks.json").read_text())["keys"][1]
    claims = jwt.decode(
        posted.data,
        jwt.PyJWK(public).key,
        algorithms=["EdDSA"],
        audience=sender.ISSUER,
        options={"verify_iat": False},
    )

    assert (status, recipient["recipient"].parcels) == (200, {})
    assert (posted.full_url, claims["status"]) == (sender.DATA["receipts"], "completed")
    assert notices.todo.empty()
    assert "d" not in public
    forged = notices.privacy_notice(message.headers, message.body + b" ")
    assert forged == (401, {"error": "notice-signature-invalid"})


def test_the_pieces_of_the_page_verify_and_open(recipient: Mapping[str, Any]) -> None:
    """A grant by itself and a sealed field by itself, as the page has them."""
    asked = shared(recipient)
    pieces, keys = recipient["pieces"], recipient["recipient"].OPEN
    claims = pieces.claims_of(asked.headers["Sharing-Grant"], asked.body, sender.JWKS)
    phone = json.loads(asked.body)["recipient"]["phone"]

    assert json.loads(pieces.phone_of(phone, keys, claims["jti"])) == "13800138000"


def test_the_recipient_of_the_page_uses_a_value_that_stayed(
    recipient: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It signs for the token, and opens what comes back with its own key."""
    (key,) = recipient["recipient"].OPEN["keys"]
    asked: list[Any] = []

    class Sealed:
        def __enter__(self) -> "Sealed":
            return self

        def __exit__(self, *_: object) -> None: ...

        def read(self) -> bytes:
            return sender.sealed(b'"13800138000"', jwk=key).encode()

    def urlopen(request: Any, timeout: float) -> Sealed:
        asked.append(request)
        return Sealed()

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    value = recipient["redeem"].redeem("tok_1", "order-fulfilment")
    claims = jwt.decode(asked[0].data, options={"verify_signature": False})

    assert value == "13800138000"
    assert asked[0].full_url == "https://sharing.shop.example/tokens/redeem"
    assert (claims["token"], claims["iss"], claims["aud"]) == (
        "tok_1",
        "swift-parcel",
        sender.ISSUER,
    )


def test_the_page_for_partners_has_every_code_and_status() -> None:
    """The kit's closed lists are in the page, and nothing else is claimed to be in them."""
    text = text_of(DOCS / "how-to" / "for-partners.md")

    assert {only(row["code"]): row["meaning"] for row in tables(text, "code")} == CODES
    assert [only(row["`status`"]) for row in tables(text, "`status`")] == list(STATUSES)
