"""
Check a ledger bundle or a certificate, without the gateway that wrote it.

    python verifier.py BUNDLE --trust JWKS.json [--origin NAME] [--json]
    python verifier.py CERTIFICATE --trust JWKS.json [--partners KEYS] [--subject ID --salt SALT]

One file, for whoever does not want to trust the rest: it needs Python 3.11 and
`cryptography`, opens no connection, and shares no code with the gateway. It
follows `ledger/FORMAT.md`.

What is checked of a bundle, in this order:

1. the file has its form: a header, the number of leaves it names, a
   checkpoint, nothing else;
2. every leaf is canonical JSON (RFC 8785), is complete for its kind, and has
   an id of its own;
3. every outcome belongs to an earlier share, and no share has more outcomes
   than attempts;
4. the tree over the leaves (RFC 6962) has the size and root of the checkpoint;
5. the checkpoint is signed by a key `checkpoint-…` of the trusted JWK Set, under
   the ledger's own name. Keys inside the bundle count for nothing.

And of a certificate, which is what a gateway says of one case (a compact JWS):

1. it is signed by a key `certificate-…` of the trusted JWK Set;
2. it does not contradict itself: a closed case has every notice settled;
3. the checkpoint in it is signed as above, and of the ledger of who issued it;
4. with `--partners`, every receipt in it is signed by its recipient, and each
   state that rests on a receipt is what a receipt says;
5. with `--subject` and `--salt`, it is about that person.

Exit code 0: it verifies. 1: it does not. 2: wrong use, or another kind of file.
The file is read as a stream; kept are the ids seen, some 300 bytes a leaf.
"""

import argparse
import base64
import binascii
import gzip
import hashlib
import json
import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

MAX_LINE = 1 << 20  # bytes, line feed included
MAX_SIZE, MAX_INTEGER = 2**63 - 1, 2**53 - 1
MAX_SIGNATURES = 100


class Refuted(Exception):
    """The file does not show what it claims."""

    line: int | None = None
    leaf: int | None = None


class WrongUse(Exception):
    """The question cannot be answered as it was asked."""


# --- Canonical JSON (RFC 8785), as far as leaves need it --------------------------------------

ESCAPES = {chr(code): f"\\u{code:04x}" for code in range(0x20)} | dict(
    zip('"\\\b\t\n\f\r', ('\\"', "\\\\", "\\b", "\\t", "\\n", "\\f", "\\r"), strict=True)
)
ESCAPED = re.compile(r'["\\\x00-\x1f]')


def canonical(value: Any) -> str:
    """Write strings, integers, booleans, arrays and objects the one canonical way."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) <= MAX_INTEGER:
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{quoted(name)}:{canonical(value[name])}" for name in names) + "}"
    raise Refuted("it holds something else than strings, small integers, booleans, lists, objects")


def quoted(text: str) -> str:
    """Write a string with the escapes that RFC 8785 has, and no others."""
    return '"' + ESCAPED.sub(lambda found: ESCAPES[found[0]], text) + '"'


def parse_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object in UTF-8, in which no member stands twice."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=members)
    except (ValueError, RecursionError) as error:
        raise Refuted("it is no JSON in UTF-8, or a member stands twice") from error
    if not isinstance(value, dict):
        raise Refuted("it is no JSON object")
    return value


def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Collect an object's members; a repeated one is an error."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


# --- The tree (RFC 6962) ----------------------------------------------------------------------


def sha256(*parts: bytes) -> bytes:
    """Hash parts one after the other. Leaves begin with 0x00 and nodes with 0x01."""
    return hashlib.sha256(b"".join(parts)).digest()


class Tree:
    """
    The root of a growing list. It counts in binary: place i holds the root of
    2**i leaves or nothing, and adding a leaf carries like adding one.
    """

    def __init__(self) -> None:
        self.size = 0
        self.places: list[bytes | None] = []

    def add(self, digest: bytes) -> None:
        """Append the hash of a leaf."""
        self.size += 1
        for place, standing in enumerate(self.places):
            if standing is None:
                self.places[place] = digest
                return
            digest, self.places[place] = sha256(b"\x01", standing, digest), None
        self.places.append(digest)

    def root(self) -> bytes:
        """Return the root: the places joined from the smallest up."""
        joined: bytes | None = None
        for standing in self.places:
            if standing is not None:
                joined = standing if joined is None else sha256(b"\x01", standing, joined)
        return sha256() if joined is None else joined


# --- The checkpoint (C2SP signed-note and tlog-checkpoint) ------------------------------------

NO_TEXT = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
SIGNATURE_LINE = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
USES = ("checkpoint-", "certificate-")


@dataclass(frozen=True)
class Checkpoint:
    """A signed head of the ledger, and the trusted keys that signed it."""

    origin: str
    size: int
    root: bytes
    signed_by: list[str]


def open_checkpoint(note: str, keys: dict[str, bytes]) -> Checkpoint:
    """Verify the note against the trusted keys, by kid, and read it."""
    if NO_TEXT.search(note):
        raise Refuted("the checkpoint has a character that no note has")
    text, gap, block = note.rpartition("\n\n")
    lines = block.split("\n")
    if not gap or lines.pop() or not lines or len(lines) > MAX_SIGNATURES:
        raise Refuted("the checkpoint is not a text, an empty line and signature lines")
    text += "\n"
    origin = text.split("\n", 1)[0]
    # A key is named by the ledger's name and by four bytes made of name and key.
    by_id = {sha256(origin.encode(), b"\n\x01", raw)[:4]: kid for kid, raw in keys.items()}
    signed_by = []
    for line in lines:
        name, identifier, signature = signature_line(line)
        kid = by_id.get(identifier) if name == origin else None
        if kid is not None:
            try:
                Ed25519PublicKey.from_public_bytes(keys[kid]).verify(signature, text.encode())
            except InvalidSignature as error:
                raise Refuted("a trusted key's signature on the checkpoint is wrong") from error
            signed_by.append(kid)
    if not signed_by:
        raise Refuted("no trusted key signed the checkpoint")
    return Checkpoint(origin, *size_and_root(text), signed_by)


def signature_line(line: str) -> tuple[str, bytes, bytes]:
    """Take a signature line apart: the key's name, its four bytes, the signature."""
    found = SIGNATURE_LINE.fullmatch(line)
    blob = unbase64(found[2]) if found else b""
    if not found or len(blob) < 5:
        raise Refuted("the checkpoint has a malformed signature line")
    return found[1], blob[:4], blob[4:]


def size_and_root(text: str) -> tuple[int, bytes]:
    """Read size and root from the lines that were signed."""
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise Refuted("the checkpoint has no origin, size and root")
    root = unbase64(lines[2])
    if not DECIMAL.fullmatch(lines[1]) or int(lines[1]) > MAX_SIZE or len(root) != 32:
        raise Refuted("the checkpoint's size or root is malformed")
    return int(lines[1]), root


def unbase64(text: str) -> bytes:
    """Decode standard base64 in its one right spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refuted("it holds malformed base64") from error
    if base64.b64encode(data).decode() != text:
        raise Refuted("it holds malformed base64")
    return data


def read_trust(path: Path) -> dict[str, bytes]:
    """Read the Ed25519 keys of a JWK Set that sign checkpoints and certificates, by kid."""
    try:
        keys = parse_object(path.read_bytes())["keys"]
        trusted = [jwk for jwk in keys if str(jwk.get("kid", "")).startswith(USES)]
        raw = {jwk["kid"]: public_key(jwk) for jwk in trusted}
    except (OSError, KeyError, TypeError, ValueError, AttributeError, Refuted) as error:
        raise WrongUse(f"--trust: {path} is no JWK Set with Ed25519 checkpoint keys") from error
    if not for_use(raw, "checkpoint-"):
        raise WrongUse(f"--trust: {path} has no key whose kid begins with checkpoint-")
    if len(raw) < len(trusted):
        raise WrongUse(f"--trust: {path} has two keys of one kid")
    return raw


def for_use(keys: dict[str, bytes], use: str) -> dict[str, bytes]:
    """Return the keys whose kid begins with this use."""
    return {kid: raw for kid, raw in keys.items() if kid.startswith(use)}


def public_key(jwk: dict[str, Any]) -> bytes:
    """Return the 32 bytes of an Ed25519 key (RFC 8037), or raise `ValueError`."""
    if (jwk["kty"], jwk["crv"], jwk.get("use", "sig")) != ("OKP", "Ed25519", "sig"):
        raise ValueError("another kind of key")
    if jwk.get("alg", "EdDSA") not in ("EdDSA", "Ed25519"):
        raise ValueError("another algorithm")
    raw = base64.urlsafe_b64decode(jwk["x"] + "=")
    if len(raw) != 32 or base64.urlsafe_b64encode(raw).decode().rstrip("=") != jwk["x"]:
        raise ValueError("malformed")
    return raw


Key = tuple[tuple[str, ...], Callable[[bytes, bytes], object]]  # names of its algorithm, its check


def ed25519(raw: bytes) -> Key:
    """Return the key with these 32 bytes."""
    return ("EdDSA", "Ed25519"), Ed25519PublicKey.from_public_bytes(raw).verify


def signing_key(jwk: dict[str, Any]) -> Key:
    """Return a key that signs tokens: Ed25519, P-256 or RSA. Raises `ValueError` for another."""
    number = {n: int.from_bytes(unbase64url(jwk[n]), "big") for n in "xyne" if n in jwk}
    match jwk["kty"], jwk.get("crv"), jwk.get("alg"):
        case "OKP", "Ed25519", _:
            return ed25519(public_key(jwk))
        case "EC", "P-256", None | "ES256":
            curve = ec.EllipticCurvePublicNumbers(number["x"], number["y"], ec.SECP256R1())
            check = curve.public_key().verify
            return ("ES256",), lambda signed, text: check(der(signed), text, ec.ECDSA(SHA256()))
        case "RSA", None, None | "RS256" | "PS256" as alg:
            pss = padding.PSS(padding.MGF1(SHA256()), 32)
            scheme = pss if alg == "PS256" else padding.PKCS1v15()
            verify = rsa.RSAPublicNumbers(number["e"], number["n"]).public_key().verify
            return (alg or "RS256",), lambda signed, text: verify(signed, text, scheme, SHA256())
    raise ValueError("another kind of key")


def der(signature: bytes) -> bytes:
    """Rewrite an ES256 signature, two numbers of 32 bytes side by side (RFC 7518 §3.4)."""
    if len(signature) != 64:
        raise InvalidSignature
    return encode_dss_signature(*(int.from_bytes(signature[i : i + 32], "big") for i in (0, 32)))


def recipient_keys(path: Path) -> dict[str, Key]:
    """Read the keys of a recipient's JWK Set that sign, by kid."""
    try:
        jwks = [jwk for jwk in parse_object(path.read_bytes())["keys"] if jwk["use"] == "sig"]
        return {jwk["kid"]: signing_key(jwk) for jwk in jwks}
    except (OSError, KeyError, TypeError, ValueError, Refuted) as error:
        raise WrongUse(f"--partners: {path} is no JWK Set with keys that sign") from error


@dataclass(frozen=True)
class Asked:
    """What is to be checked of a certificate besides its own signatures."""

    partners: dict[str, dict[str, Key]] = field(default_factory=dict)  # by recipient, or ""; by kid
    person: bytes = b""  # the salt and the subject


def read_asked(partners: Path | None, subject: str | None, salt: str | None) -> Asked:
    """Read the options: the recipients' keys from a folder or a file, the person and the salt."""
    known = {"": recipient_keys(partners)} if partners and not partners.is_dir() else {}
    for path in sorted(partners.glob("*.json")) if partners and not known else ():
        known[path.name.partition(".")[0]] = recipient_keys(path)
    if partners and not known:
        raise WrongUse(f"--partners: {partners} has no keys in it")
    if subject is None and salt is None:
        return Asked(known)
    try:
        octets, name = unbase64url((salt or "").rstrip("=")), (subject or "").encode()
    except (Refuted, UnicodeError) as error:
        raise WrongUse("--salt is not base64url, or --subject not UTF-8") from error
    if len(octets) != 16 or not name:
        raise WrongUse("--subject and the --salt of 16 bytes that came with the case: give both")
    return Asked(known, octets + name)


# --- What the leaves say ----------------------------------------------------------------------

SHARES = ("intent", "transfer", "public-disclosure")
REQUIRED = dict.fromkeys(
    SHARES,
    "share partner purpose purpose_version ground fields categories edition service grant"
    " retention_until territory",
) | {
    "outcome": "share partner outcome",
    "refusal": "service code clause",
    "fence": "whole",
    "case": "case action state",
    "notice": "notice case partner state",
    "receipt": "notice partner status digest",
    "redemption": "partner result",
    "declared": "share partner purpose fields categories disclosed_at service",
    "key": "owner event",
    "policy": "edition digest event",
    "partner": "partner event",
    "read": "service record",
}
OUTCOMES = ("delivered", "timeout", "unknown", "not-sent")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
HEX_256 = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class Share:
    """One share: for whom, how many attempts have no outcome, and whether it was declared."""

    partner: str
    open: int = 0
    declared: int = 0


@dataclass
class Contents:
    """What the leaves read so far say, and the check that they do not contradict each other."""

    kinds: Counter[str] = field(default_factory=Counter)
    ids: set[str] = field(default_factory=set)
    shares: dict[str, Share] = field(default_factory=dict)
    pruned: int = 0
    unexplained: int = 0

    def read(self, leaf: dict[str, Any]) -> None:
        """Take in the next leaf."""
        kind = check_form(leaf)
        if leaf["id"] in self.ids:
            raise Refuted("an earlier leaf has the same id")
        self.ids.add(leaf["id"])
        self.kinds[kind] += 1
        if kind in SHARES:
            self.share_of(leaf).open += 1
        elif kind == "declared":
            self.share_of(leaf).declared = 1
        elif kind == "outcome":
            self.outcome(leaf)

    def share_of(self, leaf: dict[str, Any]) -> Share:
        """Return the share that a leaf opens, which is one partner's alone."""
        share = self.shares.setdefault(leaf["share"], Share(leaf["partner"]))
        if share.partner != leaf["partner"]:
            raise Refuted("its share was opened for another partner")
        return share

    def outcome(self, leaf: dict[str, Any]) -> None:
        """Match an outcome with an attempt that has none."""
        known = leaf["share"] in self.shares
        share = self.share_of(leaf) if known else Share(leaf["partner"])
        if share.open:
            share.open -= 1
        elif share.declared:
            share.declared = 0
        elif self.unexplained < self.pruned:
            # The attempt may be one of the pruned leaves; each explains one outcome.
            self.unexplained += 1
        elif known:
            raise Refuted("every attempt at its share has an outcome already")
        else:
            raise Refuted("no earlier leaf opens its share")


def check_form(leaf: dict[str, Any]) -> str:
    """Check that a leaf is complete for its kind, and return the kind."""
    kind = leaf.get("kind")
    if not isinstance(kind, str) or kind not in REQUIRED:
        raise Refuted("it is of no known kind")
    if not isinstance(leaf.get("id"), str) or not leaf["id"]:
        raise Refuted("it has no id")
    if not is_time(leaf.get("at")):
        raise Refuted("it has no time, or one of another form")
    for name in REQUIRED[kind].split():
        if name not in leaf:
            raise Refuted(f"it has no {name}, and is of kind {kind}")
    for name in ("share", "partner", "outcome"):
        if not isinstance(leaf.get(name, ""), str):
            raise Refuted(f"its {name} is no text")
    if kind == "outcome" and leaf["outcome"] not in OUTCOMES:
        raise Refuted("its outcome is not known")
    return kind


def is_time(value: Any) -> bool:
    """Whether a value is a time as leaves write it, on a day that exists."""
    try:
        return bool(TIME.fullmatch(value) and datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return False


# --- The bundle -------------------------------------------------------------------------------


class Lines:
    """The lines of a file, one at a time, each within its bound."""

    def __init__(self, stream: BufferedIOBase, number: int) -> None:
        self.stream = stream
        self.number = number

    def next(self) -> bytes:
        """Return the next line without its line feed."""
        self.number += 1
        line = self.stream.readline(MAX_LINE)
        if not line.endswith(b"\n"):
            raise Refuted("the line is cut or too long" if line else "the file ends too early")
        return line[:-1]

    @contextmanager
    def blamed(self, leaf: int | None = None) -> Iterator[None]:
        """Note the line, and the leaf, at which something turns out wrong."""
        try:
            yield
        except Refuted as wrong:
            wrong.line, wrong.leaf = self.number, leaf
            raise


def check_bundle(
    first: bytes, lines: Lines, keys: dict[str, bytes], origin: str | None, asked: Asked
) -> dict[str, Any]:
    """Check a bundle of which the first line was read, and report what it holds."""
    if asked != Asked():
        raise WrongUse("--partners, --subject and --salt are for certificates")
    with lines.blamed():
        expected, size = read_header(first)
    tree, contents = Tree(), Contents()
    for index in range(size):
        with lines.blamed(index):
            tree.add(check_leaf(lines.next(), contents))
        if tree.size % 20_000 == 0:
            show_progress(tree.size, size)
    with lines.blamed():
        checkpoint = read_footer(lines, keys)
    check_head(checkpoint, tree, expected, origin)
    return report(checkpoint, contents, origin)


def read_header(line: bytes) -> tuple[str, int]:
    """Return what the header promises: the origin and the number of leaves."""
    header = parse_line(line, {"format", "origin", "size", "exported_at"})
    origin, size = header["origin"], header["size"]
    if not isinstance(origin, str) or type(size) is not int or not 0 <= size <= MAX_SIZE:
        raise Refuted("the header has no origin and size")
    return origin, size


def check_leaf(line: bytes, contents: Contents) -> bytes:
    """Check one leaf and return its hash."""
    leaf = parse_object(line)
    if leaf.keys() == {"checkpoint"}:
        raise Refuted("the file has fewer leaves than its header says")
    try:
        right = canonical(leaf).encode()
    except (UnicodeError, RecursionError) as error:
        raise Refuted("it is not in canonical form") from error
    if right != line:
        raise Refuted("it is not in canonical form")
    if leaf.keys() == {"pruned", "leaf_hash"}:
        contents.pruned += 1
        return pruned_hash(leaf)
    contents.read(leaf)
    return sha256(b"\x00", line)


def pruned_hash(leaf: dict[str, Any]) -> bytes:
    """Return the hash that stands in place of a pruned leaf."""
    digest = leaf["leaf_hash"]
    if leaf["pruned"] is not True or not isinstance(digest, str) or not HEX_256.fullmatch(digest):
        raise Refuted("it stands for a pruned leaf and has no hash")
    return bytes.fromhex(digest)


def read_footer(lines: Lines, keys: dict[str, bytes]) -> Checkpoint:
    """Read the last line and verify the checkpoint in it."""
    note = parse_line(lines.next(), {"checkpoint"})["checkpoint"]
    if lines.stream.read(1):
        raise Refuted("something follows the checkpoint")
    if not isinstance(note, str):
        raise Refuted("the checkpoint is no text")
    return open_checkpoint(note, for_use(keys, "checkpoint-"))


def parse_line(line: bytes, names: set[str]) -> dict[str, Any]:
    """Read the header or the last line: an object with exactly these members."""
    value = parse_object(line)
    if value.keys() != names or line != line.strip():
        raise Refuted(f"the line is not an object of {', '.join(sorted(names))}")
    return value


def check_head(checkpoint: Checkpoint, tree: Tree, expected: str, origin: str | None) -> None:
    """Compare the checkpoint with the header, the leaves, and what the caller expects."""
    if checkpoint.origin != expected:
        raise Refuted("the checkpoint is of another ledger than the header names")
    if origin is not None and checkpoint.origin != origin:
        raise Refuted("the ledger is another one than --origin names")
    if checkpoint.size != tree.size:
        raise Refuted(f"the checkpoint is of {checkpoint.size} leaves, the file has {tree.size}")
    if checkpoint.root != tree.root():
        raise Refuted("the leaves have another root than the checkpoint")


def report(checkpoint: Checkpoint, contents: Contents, origin: str | None) -> dict[str, Any]:
    """Say what was found in a bundle that verifies."""
    return {
        "verified": True,
        "format": "sharing-ledger/1",
        "origin": checkpoint.origin,
        "origin_expected": origin is not None,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "signed_by": checkpoint.signed_by,
        "kinds": dict(sorted(contents.kinds.items())),
        "pruned": contents.pruned,
        "open_intents": sum(share.open for share in contents.shares.values()),
    }


# --- The certificate of a case (a compact JWS, RFC 7515) --------------------------------------

CERTIFICATE, RECEIPT = "sharing-certificate+jwt", "sharing-receipt+jwt"
# No key comes from a token, and nothing in it may change how it is read (RFC 8725 §3.5, §3.10).
REFUSED = {"crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"}
# What a certificate and its notices have, by type; then what may also be null.
CASE: dict[type, str] = {
    str: "iss case action reason state accepted_at subject_hash checkpoint",
    int: "iat",
    list: "notices",
}
NOTICE = {str: "notice partner state deadline", int: "attempts", bool: "settled", list: "receipts"}
NULLABLE = "reason backups_until next_at evidence"
EVIDENCE = (None, "receipt", "response", "person")
NOTICE_STATES = {"queued", "sent", "acknowledged", "in-progress", "completed", "partial", "refused"}
NOTICE_STATES |= {"exempt", "failed", "overdue"}
# States of a case, and whether closed_at may be a text or null.
STATES = [("open", type(None)), ("closed", str), ("refused", str), ("refused", type(None))]


def open_jws(token: str, typ: str, keys: dict[str, Key]) -> dict[str, Any]:
    """Return the claims of a token of this type signed by one of these keys, chosen by kid."""
    if token.count(".") != 2:
        raise Refuted(f"it is no {typ}")
    header, payload, signature = (unbase64url(part) for part in token.split("."))
    named = parse_object(header)
    if named.get("typ") != typ or REFUSED & named.keys():
        raise Refuted(f"it is no {typ}, or its header has what none may have")
    algorithms, verify = keys.get(str(named.get("kid")), ((), None))
    if verify is None or named.get("alg") not in algorithms:
        raise Refuted("no trusted key has the kid and the algorithm that it names")
    try:
        verify(signature, token.rpartition(".")[0].encode())
    except InvalidSignature as error:
        raise Refuted("the signature is not by the key that it names") from error
    return parse_object(payload)


def unbase64url(text: str) -> bytes:
    """Decode unpadded base64url in its one right spelling."""
    return unbase64(text.translate(str.maketrans("-_+/", "+/..")) + "=" * (-len(text) % 4))


def check_certificate(
    first: bytes, lines: Lines, keys: dict[str, bytes], origin: str | None, asked: Asked
) -> dict[str, Any]:
    """Check a certificate, which is the file's only line, and report what it says."""
    if len(first) >= MAX_LINE or lines.stream.read(1):
        raise Refuted("the certificate is too long, or something follows it")
    own = for_use(keys, "certificate-").items()
    said = open_jws(first.decode(), CERTIFICATE, {kid: ed25519(raw) for kid, raw in own})
    check_said(said)
    checkpoint = open_checkpoint(said["checkpoint"], for_use(keys, "checkpoint-"))
    if checkpoint.origin != said["iss"].partition("://")[2].rstrip("/") + "/ledger":
        raise Refuted("the checkpoint is of another ledger than the issuer's")
    if origin is not None and checkpoint.origin != origin:
        raise Refuted("the ledger is another one than --origin names")
    if asked.person and sha256(asked.person).hex() != said["subject_hash"]:
        raise Refuted("it is about another person, or the salt is another one")
    for notice in said["notices"] if asked.partners else ():
        check_receipts(notice, said["iss"], asked.partners)
    notices = [{**notice, "receipts": len(notice["receipts"])} for notice in said["notices"]]
    del said["checkpoint"]
    return {
        **{"verified": True, "format": CERTIFICATE, "interim": False, **said, "notices": notices},
        **{"ledger": checkpoint.origin, "size": checkpoint.size},
        "ledger_signed_by": checkpoint.signed_by,
        "receipts_checked": bool(asked.partners),
        "subject_checked": bool(asked.person),
    }


def check_said(said: dict[str, Any]) -> None:
    """Check that a certificate is complete and does not contradict itself."""
    state, interim = said.get("state"), said.get("interim", False)
    check_members({name: said[name] for name in said.keys() - {"interim"}}, CASE, "closed_at")
    if (state, type(said["closed_at"])) not in STATES or interim is not (state == "open"):
        raise Refuted("the case's state is not known, or does not go with closed_at and interim")
    if not HEX_256.fullmatch(said["subject_hash"]):
        raise Refuted("subject_hash is none")
    for notice in said["notices"]:
        check_members(notice, NOTICE, NULLABLE)
        if notice["state"] not in NOTICE_STATES or notice["evidence"] not in EVIDENCE:
            raise Refuted("the state of a notice, or on what it rests, is not known")
        if not all(isinstance(receipt, str) for receipt in notice["receipts"]):
            raise Refuted("a receipt is no text")
        if notice["evidence"] == "receipt" and not notice["receipts"]:
            raise Refuted("a notice rests on a receipt, and there is none")
        by_itself = notice["state"] in ("completed", "exempt")
        if notice["settled"] and not by_itself and notice["evidence"] != "person":
            raise Refuted("a notice is settled, and nothing says by what")
        if state == "closed" and not notice["settled"]:
            raise Refuted("the case is closed, and a notice is not settled")


def check_members(value: Any, typed: dict[type, str], more: str) -> None:
    """Check that an object has these members and no others, the first ones of these types."""
    kinds = {name: kind for kind, names in typed.items() for name in names.split()}
    if not isinstance(value, dict) or value.keys() != kinds.keys() | set(more.split()):
        raise Refuted("it, or a notice in it, has not the members that it should")
    if wrong := [name for name, kind in kinds.items() if type(value[name]) is not kind]:
        raise Refuted(f"{wrong[0]} is of another type")


def check_receipts(notice: dict[str, Any], issuer: str, known: dict[str, dict[str, Key]]) -> None:
    """Check the recipient's signatures, and that one of them says what the state is."""
    partner, statuses = notice["partner"], set()
    for token in notice["receipts"]:
        said = open_jws(token, RECEIPT, known.get(partner, known.get("", {})))
        about = [said.get(name) for name in ("iss", "aud", "notice")]
        if about != [partner, issuer, notice["notice"]]:
            raise Refuted(f"a receipt of {partner!a} is about something else")
        statuses.add(str(said.get("status")))
    if notice["evidence"] == "receipt" and notice["state"] not in statuses:
        raise Refuted(f"no receipt of {partner!a} says {notice['state']!a}")


# --- The command ------------------------------------------------------------------------------

# By the format that a file's first line names.
CHECKS = {"sharing-ledger/1": check_bundle, CERTIFICATE: check_certificate}
JWS = re.compile(rb"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+")


def check_file(
    path: Path, keys: dict[str, bytes], origin: str | None, asked: Asked
) -> dict[str, Any]:
    """Open a file, plain or gzip by its name, tell its kind and check it."""
    opened: Callable[..., BufferedIOBase] = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as stream:
            first = stream.readline(MAX_LINE).removesuffix(b"\n")
            return CHECKS[kind_of(first)](first, Lines(stream, 1), keys, origin, asked)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Refuted("the compressed file is cut or damaged") from error
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror or 'unknown reason'}") from error


def kind_of(first: bytes) -> str:
    """Tell by the first line what a file is. Raises `WrongUse` for what is not known."""
    token = JWS.fullmatch(first)
    try:
        said = parse_object(unbase64url(token[1].decode())) if token else json.loads(first)
        name = str(said["typ" if token else "format"])
    except (ValueError, TypeError, KeyError, RecursionError, Refuted):
        name = ""
    if name in CHECKS:
        return name
    what = "something that this program does not know"
    if name.startswith("sharing-ledger/"):
        what = "a ledger bundle of a version that this program does not know"
    elif first.startswith(b"c2sp.org/tlog-proof@"):
        what = "a proof about one leaf, not a ledger bundle"
    elif token:
        what = "a signed token, neither a ledger bundle nor a certificate"
    raise WrongUse(f"the file is {what}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        keys = read_trust(arguments.trust)
        asked = read_asked(arguments.partners, arguments.subject, arguments.salt)
        found = check_file(arguments.file, keys, arguments.origin, asked)
    except WrongUse as wrong:
        print(f"gateway-verify: {wrong}", file=sys.stderr)
        return 2
    except Refuted as wrong:
        result = {"verified": False, "error": str(wrong), "line": wrong.line, "leaf": wrong.leaf}
        print(json.dumps(result) if arguments.json else refuted_text(arguments.file, wrong))
        return 1
    text = certificate_text if found["format"] == CERTIFICATE else verified_text
    print(json.dumps(found) if arguments.json else text(arguments, found))
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    command = argparse.ArgumentParser(
        prog="gateway-verify",
        description="Check a ledger bundle or a certificate against keys that you trust.",
        epilog="Exit code 0: it verifies. 1: it does not. 2: wrong use or another kind of file.",
    )
    command.add_argument(
        "file", type=Path, metavar="FILE", help="bundle or certificate; .gz is gzip"
    )
    command.add_argument(
        "--trust", type=Path, required=True, metavar="JWKS", help="JWK Set with the trusted keys"
    )
    command.add_argument("--origin", metavar="NAME", help="the name that the ledger must have")
    command.add_argument(
        "--partners", type=Path, metavar="KEYS", help="recipients' JWK Sets, a folder or one file"
    )
    command.add_argument("--subject", metavar="ID", help="the person it must be about; with --salt")
    command.add_argument("--salt", metavar="SALT", help="the salt that came with the case")
    command.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return command


def show_progress(done: int, of: int) -> None:
    """Say how far it is where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r{done:,} of {of:,} leaves ", end="", file=sys.stderr, flush=True)


def refuted_text(path: Path, wrong: Refuted) -> str:
    """Say in words why a file does not verify."""
    places = {"line": wrong.line, "leaf": wrong.leaf}
    where = "".join(f"{name} {at}: " for name, at in places.items() if at is not None)
    return f"{path} DOES NOT VERIFY\n  {where}{wrong}"


def verified_text(arguments: argparse.Namespace, found: dict[str, Any]) -> str:
    """Say in words what was checked and what was found."""
    kinds = [f"  {count:>9,}  {kind}" for kind, count in found["kinds"].items()]
    required = "as required" if found["origin_expected"] else "give --origin to require one"
    return "\n".join(
        [
            f"{arguments.file} VERIFIES",
            f"  ledger    {found['origin']!a} ({required})",
            f"  size      {found['size']:,} leaves",
            f"  root      {found['root']}",
            f"  signed by {', '.join(map(ascii, found['signed_by']))}, as {arguments.trust} trusts",
            "checked",
            "  the file's form; each leaf canonical (RFC 8785), complete, with an id of its own;",
            "  every outcome belongs to an earlier share; the tree (RFC 6962) has the checkpoint's",
            "  size and root; the checkpoint's signature (Ed25519) is of a trusted key",
            "found",
            *kinds,
            f"  {found['open_intents']:>9,}  attempts without an outcome",
            f"  {found['pruned']:>9,}  pruned leaves, known by their hash only",
            "not checked, because it needs keys or clocks that no file has",
            "  who the persons are; whether times are true; what pruned leaves said",
        ]
    )


def certificate_text(arguments: argparse.Namespace, found: dict[str, Any]) -> str:
    """Say in words what a certificate says, and what of it was checked."""
    said = [(name, found[name]) for name in found if name not in ("verified", "format", "notices")]
    rows = [f"  {name:<16}  {value!a}" for name, value in said]
    for one in found["notices"]:
        word = "settled" if one["settled"] else "not settled"
        by = f"{word} by {one['evidence']!a}, {one['receipts']} receipts"
        rows.append(f"  {one['partner']!a} is {one['state']!a}, {by}")
    return "\n".join([f"{arguments.file} VERIFIES", *rows])


if __name__ == "__main__":
    sys.exit(main())
