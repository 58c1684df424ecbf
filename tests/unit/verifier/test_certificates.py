"""
Certificates and the separate verifier: the program is run as its user runs it,
alone in a folder, with nothing but public keys.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from gateway import verifier
from gateway.cases.certificate import CertificateInvalid, verify_certificate
from gateway.ledger.checkpoint import Checkpoint, sign
from gateway.model.cases import CaseState, Notice, NoticeState, Proof
from gateway.recipient import sign_receipt
from tests.unit.cases.builders import (
    ISSUER,
    NOW,
    SALT,
    SUBJECT,
    a_case,
    a_certificate,
    a_jwk,
    a_notice,
    a_settled_notice,
    a_token,
    b64,
    key,
)
from tests.unit.seal.builders import p256_jwk, public

ORIGIN = "sharing.shop.example/ledger"


def a_note(origin: str = ORIGIN, seed: str = "checkpoint") -> str:
    """A signed head of a ledger of three leaves."""
    return sign(Checkpoint(origin=origin, size=3, root=bytes(32)), origin, key(seed))


NOTE = a_note()
JWKS = {"keys": [a_jwk(), a_jwk("checkpoint-1", "checkpoint"), a_jwk("grant-1", "grant")]}
COURIER = p256_jwk("sig-1", use="sig")
PAYER = a_jwk("sig-2", "payer") | {"d": b64(key("payer").private_bytes_raw())}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def a_receipt(**changes: Any) -> str:
    """The courier's receipt of completion for the first notice."""
    given: dict[str, Any] = {
        "key": COURIER,
        "partner": "swift-parcel",
        "audience": ISSUER,
        "notice": "ntc_1",
        "status": "completed",
        "now": NOW,
    }
    given |= changes
    return sign_receipt(given.pop("key"), **given)


def signed_for(*receipts: str, **changes: Any) -> Notice:
    """A notice that the courier completed, with these receipts."""
    return a_settled_notice(receipts=receipts or (a_receipt(),), **changes)


def certificate(*notices: Notice, **changes: Any) -> str:
    """A certificate of a closed case with these notices."""
    case = a_case(*(notices or (signed_for(),)))
    return a_token(a_certificate(case, checkpoint=NOTE) | changes)


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A folder that holds the verifier and public keys, and nothing of the gateway."""
    shutil.copy(Path(verifier.__file__), tmp_path / "verifier.py")
    (tmp_path / "trust.json").write_text(json.dumps(JWKS))
    (tmp_path / "keys").mkdir()
    courier, payer = {"keys": [public(COURIER)]}, {"keys": [public(PAYER)]}
    (tmp_path / "keys" / "swift-parcel.jwks.json").write_text(json.dumps(courier))
    (tmp_path / "keys" / "harbour-pay.jwks.json").write_text(json.dumps(payer))
    return tmp_path


def run(folder: Path, token: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the verifier in its folder, isolated from every other path."""
    (folder / "case.jws").write_text(token)
    return subprocess.run(
        [sys.executable, "-I", "verifier.py", "case.jws", "--trust", "trust.json", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=50,
    )


def answer(
    folder: Path, capsys: pytest.CaptureFixture[str], token: str, *more: str
) -> tuple[int, str]:
    """What the verifier answers, run here for speed: exit code and report."""
    (folder / "case.jws").write_text(token, encoding="utf-8")
    trust = ["--trust", str(folder / "trust.json")]
    code = verifier.main([str(folder / "case.jws"), *trust, *more])
    told = capsys.readouterr()
    return code, told.out + told.err


def test_a_good_certificate_verifies(alone: Path) -> None:
    """A certificate exits 0, and what it says of case and recipients stands in the report."""
    ran = run(alone, certificate() + "\n", "--partners", "keys")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("case.jws VERIFIES\n")
    for part in ("'case_1'", "'closed'", ORIGIN, "'swift-parcel' is 'completed', settled by"):
        assert part in ran.stdout


def test_the_report_is_also_for_programs(alone: Path) -> None:
    """With --json the report is one object that says what was checked and what was not."""
    salt = b64(SALT)
    more = ("--json", "--origin", ORIGIN, "--partners", "keys", "--subject", SUBJECT)
    found = json.loads(run(alone, certificate(), *more, "--salt", salt).stdout)

    assert found["verified"] is True
    assert (found["case"], found["state"], found["interim"]) == ("case_1", "closed", False)
    assert (found["ledger"], found["size"]) == (ORIGIN, 3)
    assert found["ledger_signed_by"] == ["checkpoint-1"]
    assert (found["receipts_checked"], found["subject_checked"]) == (True, True)
    assert [(one["partner"], one["settled"], one["receipts"]) for one in found["notices"]] == [
        ("swift-parcel", True, 1)
    ]
    bare = json.loads(run(alone, certificate(), "--json").stdout)
    assert (bare["receipts_checked"], bare["subject_checked"]) == (False, False)


def test_a_certificate_of_an_open_case_says_so(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An interim certificate verifies as what it is: some have not settled."""
    case = a_case(signed_for(), a_notice(NoticeState.OVERDUE), state=CaseState.OPEN)
    token = a_token(a_certificate(case, checkpoint=NOTE))
    code, told = answer(alone, capsys, token)

    assert code == 0
    assert "'overdue', not settled" in told
    assert "interim           True" in told


BROKEN: dict[str, tuple[str, str]] = {
    "a changed claim": (
        ".".join(
            [
                certificate().split(".")[0],
                certificate(reason="unlawful").split(".")[1],
                certificate().split(".")[2],
            ]
        ),
        "signature",
    ),
    "a foreign key under our kid": (
        a_token(a_certificate(a_case(), checkpoint=NOTE), seed="foreign"),
        "signature",
    ),
    "a key that came in the file": (
        a_token(
            a_certificate(a_case(), checkpoint=NOTE),
            seed="foreign",
            kid="certificate-9",
            jwk=a_jwk("certificate-9", "foreign"),
        ),
        "none may have",
    ),
    "an unknown kid": (
        a_token(a_certificate(a_case(), checkpoint=NOTE), kid="certificate-9"),
        "no trusted key",
    ),
    "a grant's key": (
        a_token(a_certificate(a_case(), checkpoint=NOTE), seed="grant", kid="grant-1"),
        "no trusted key",
    ),
    "no algorithm": (
        a_token(a_certificate(a_case(), checkpoint=NOTE), alg="none"),
        "no trusted key",
    ),
    "loose bits": (certificate()[:-1] + "h", "base64"),
    "something after it": (certificate() + "\n\n", "follows"),
    "a second one": (certificate() + "\n" + certificate(), "follows"),
    "a missing claim": (a_token({"iss": ISSUER}), "members"),
    "another claim": (certificate(subject="zhang"), "members"),
    "a claim of another type": (certificate(iat="now"), "iat"),
    "a list of nothing": (certificate(notices=[7]), "members"),
    "receipts that are no texts": (
        certificate(notices=[{**signed_for().shown(), "receipts": [7]}]),
        "no text",
    ),
    "an open notice in a closed case": (
        certificate(replace(signed_for(), settled=False)),
        "not settled",
    ),
    "settled by nothing": (
        certificate(a_notice(NoticeState.OVERDUE, settled=True)),
        "nothing says by what",
    ),
    "a receipt that is not there": (certificate(a_settled_notice(receipts=())), "there is none"),
    "an unknown state": (certificate(state="done"), "not known"),
    "closed at no time": (certificate(closed_at=None), "closed_at"),
    "open and closed": (certificate(state="open", interim=True), "closed_at"),
    "closed and interim": (certificate(interim=True), "interim"),
    "no checkpoint": (certificate(checkpoint=""), "checkpoint"),
    "a foreign checkpoint": (
        certificate(checkpoint=a_note(seed="foreign")),
        "no trusted key signed the checkpoint",
    ),
    "a checkpoint by the certificate's key": (
        certificate(checkpoint=a_note(seed="certificate")),
        "no trusted key signed the checkpoint",
    ),
    "the checkpoint of another ledger": (
        certificate(checkpoint=a_note("else.example/ledger")),
        "another ledger",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_certificate_does_not_verify(
    alone: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A tampered certificate, or one by a key that came with it, exits 1 and says why."""
    token, told = BROKEN[name]
    code, text = answer(alone, capsys, token)

    assert code == 1
    assert "DOES NOT VERIFY" in text
    assert told in text


RECEIPTS: dict[str, tuple[Notice, str]] = {
    "a foreign key": (signed_for(a_receipt(key=p256_jwk("sig-1", seed=9, use="sig"))), "signature"),
    "another recipient's key": (
        signed_for(a_receipt(key=PAYER)),
        "no trusted key",
    ),
    "a receipt of another recipient": (signed_for(a_receipt(partner="harbour-pay")), "else"),
    "a receipt for another notice": (signed_for(a_receipt(notice="ntc_2")), "else"),
    "a receipt for another gateway": (signed_for(a_receipt(audience="https://x.example")), "else"),
    "no receipt that says so": (signed_for(a_receipt(status="acknowledged")), "no receipt of"),
    "no token": (signed_for("receipt"), "sharing-receipt"),
    "no ASCII": (signed_for("é.é.é"), "base64"),
    "a grant as receipt": (
        signed_for(a_token({"iss": "swift-parcel"}, typ="sharing-grant+jwt", kid="sig-1")),
        "sharing-receipt",
    ),
    "another algorithm": (
        signed_for(a_token({}, typ="sharing-receipt+jwt", kid="sig-1", alg="HS256")),
        "algorithm",
    ),
    "a recipient without keys": (
        signed_for(a_receipt(partner="link-id"), partner="link-id"),
        "no trusted key",
    ),
}


@pytest.mark.parametrize("name", RECEIPTS)
def test_receipts_are_checked_with_the_recipients_keys(
    alone: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """With the recipients' keys, a receipt that its recipient did not sign is found out."""
    notice, told = RECEIPTS[name]
    token = certificate(notice)
    code, text = answer(alone, capsys, token, "--partners", str(alone / "keys"))

    assert (code, told in text) == (1, True), text
    assert answer(alone, capsys, token)[0] == 0


def test_receipts_are_checked_with_one_file_too(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One JWK Set with the keys of all recipients does as well as a folder of many."""
    resolved = a_notice(NoticeState.REFUSED, proof=Proof.PERSON, settled=True)
    paid = signed_for(
        a_receipt(key=PAYER, partner="harbour-pay", notice="ntc_2"),
        id="ntc_2",
        partner="harbour-pay",
    )
    (alone / "all.json").write_text(json.dumps({"keys": [public(COURIER), public(PAYER)]}))
    code, text = answer(
        alone, capsys, certificate(signed_for(), paid, resolved), "--partners", f"{alone}/all.json"
    )

    assert (code, "by 'person', 0 receipts" in text) == (0, True), text


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_receipts_of_rsa_keys_are_checked(
    alone: Path, capsys: pytest.CaptureFixture[str], alg: str
) -> None:
    """Every algorithm that a recipient may sign with can be checked, and only as itself."""
    numbers = RSA_KEY.public_key().public_numbers()
    n, e = (b64(v.to_bytes((v.bit_length() + 7) // 8, "big")) for v in (numbers.n, numbers.e))
    jwk = {"kty": "RSA", "kid": "sig-1", "use": "sig", "alg": alg, "n": n, "e": e}
    (alone / "rsa.json").write_text(json.dumps({"keys": [jwk]}))
    header = {"alg": alg, "kid": "sig-1", "typ": "sharing-receipt+jwt"}
    claims = {"iss": "swift-parcel", "aud": ISSUER, "notice": "ntc_1", "status": "completed"}
    message = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
    pss = padding.PSS(padding.MGF1(SHA256()), 32)
    schemes = {"RS256": padding.PKCS1v15(), "PS256": pss}
    told = []
    for name in (alg, "RS256" if alg == "PS256" else "PS256"):
        signature = RSA_KEY.sign(message.encode(), schemes[name], SHA256())
        token = certificate(signed_for(f"{message}.{b64(signature)}"))
        told.append(answer(alone, capsys, token, "--partners", f"{alone}/rsa.json")[0])

    assert told == [0, 1]


def test_a_certificate_is_about_one_person(alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who has the salt can show whom a certificate is about; another person does not fit."""
    salt = b64(SALT)
    asked = ["--subject", SUBJECT, "--salt"]

    assert answer(alone, capsys, certificate(), *asked, salt)[0] == 0
    assert answer(alone, capsys, certificate(), *asked, f"{salt}==")[0] == 0
    assert answer(alone, capsys, certificate(), "--subject", "li", "--salt", salt)[0] == 1
    assert answer(alone, capsys, certificate(), *asked, b64(bytes(16)))[0] == 1


@pytest.mark.parametrize(
    "more",
    [
        ("--subject", "zhang"),
        ("--salt", b64(SALT)),
        ("--subject", "zhang", "--salt", ""),
        ("--subject", "", "--salt", b64(SALT)),
        ("--subject", "zhang", "--salt", "!"),
        ("--subject", "\udc80", "--salt", b64(SALT)),
        ("--partners", "absent"),
        ("--partners", "trust.json.d"),
    ],
)
def test_half_a_question_is_wrong_use(
    alone: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    """An option that cannot be answered is never passed over: exit code 2."""
    (alone / "trust.json.d").mkdir()
    asked = [str(alone / word) if word in ("absent", "trust.json.d") else word for word in more]

    assert answer(alone, capsys, certificate(), *asked)[0] == 2


def test_the_keys_of_recipients_must_be_sound(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key file that cannot be read as one is wrong use, not a forgery."""
    for broken in ("", "[]", '{"keys": [7]}', '{"keys": [{"use": "sig", "kid": "x"}]}'):
        (alone / "keys" / "swift-parcel.jwks.json").write_text(broken)
        code, told = answer(alone, capsys, certificate(), "--partners", str(alone / "keys"))

        assert (code, "--partners" in told) == (2, True)


def test_another_ledger_than_expected_does_not_verify(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --origin a certificate of another gateway is refused, however well it is signed."""
    assert answer(alone, capsys, certificate(), "--origin", ORIGIN)[0] == 0
    assert answer(alone, capsys, certificate(), "--origin", "else.example/ledger")[0] == 1


def test_what_is_for_certificates_is_not_asked_of_a_bundle(
    alone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Keys of recipients say nothing about a ledger bundle, and are refused there."""
    header = json.dumps({"format": "sharing-ledger/1"})
    code, told = answer(alone, capsys, f"{header}\n", "--partners", str(alone / "keys"))

    assert (code, "are for certificates" in told) == (2, True)


def ours_accepts(token: str) -> bool:
    """Whether the gateway's own check accepts a certificate."""
    try:
        verify_certificate(token, JWKS)
    except CertificateInvalid:
        return False
    return True


def theirs_accepts(path: Path) -> bool:
    """Whether the separate verifier accepts it."""
    keys = {
        kid: key(seed).public_key().public_bytes_raw()
        for kid, seed in (("certificate-1", "certificate"), ("checkpoint-1", "checkpoint"))
    }
    try:
        verifier.check_file(path, verifier.Trust(keys), None, verifier.Asked())
    except (verifier.Refuted, verifier.WrongUse):
        return False
    return True


GOOD = certificate()


@given(st.integers(0, len(GOOD)), st.sampled_from(["", "A", "=", ".", "-", "é"]), st.integers(0, 2))
def test_both_checks_refuse_every_change(
    tmp_path_factory: pytest.TempPathFactory, at: int, put: str, gone: int
) -> None:
    """Whatever is put in, taken out or replaced, neither implementation is misled."""
    changed = GOOD[:at] + put + GOOD[at + gone :]
    path = tmp_path_factory.mktemp("case") / "case.jws"
    path.write_text(changed, encoding="utf-8")

    assert ours_accepts(changed) == theirs_accepts(path) == (changed == GOOD)


SAID = a_certificate(a_case(signed_for()), checkpoint=NOTE)
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 7, "", "open", "refused", "closed", "person", [], {}]
)


@given(st.dictionaries(st.sampled_from([*SAID, "interim"]), ODD, max_size=3))
def test_both_checks_decide_every_claim_alike(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]
) -> None:
    """Well signed certificates with odd claims are decided alike, the checkpoint aside."""
    changes.pop("checkpoint", None)
    changes.pop("iss", None)
    token = a_token(SAID | changes)
    path = tmp_path_factory.mktemp("case") / "case.jws"
    path.write_text(token)

    assert ours_accepts(token) == theirs_accepts(path)


@given(st.dictionaries(st.sampled_from(sorted(SAID["notices"][0])), ODD, max_size=3))
def test_both_checks_decide_every_notice_alike(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]
) -> None:
    """Well signed certificates with odd notices are decided alike."""
    token = a_token(SAID | {"notices": [SAID["notices"][0] | changes]})
    path = tmp_path_factory.mktemp("case") / "case.jws"
    path.write_text(token)

    assert ours_accepts(token) == theirs_accepts(path)
