"""
Check a ledger bundle, a certificate, a proof or a checkpoint, without the gateway that wrote it.

    python verifier.py BUNDLE --trust JWKS.json [--since OLD] [--origin NAME] [--json]
    python verifier.py CERTIFICATE --trust JWKS.json [--partners KEYS] [--subject ID --salt SALT]
                                                     [--ledger BUNDLE]
    python verifier.py MASS-CERTIFICATE --trust JWKS.json [--cases LIST] [--ledger BUNDLE]
                                                          [--belongs PROOF]
    python verifier.py SHARE.tlog-proof --trust JWKS.json [--leaf SHARE.leaf.json]
    python verifier.py CHECKPOINT --trust JWKS.json [--since OLD --consistency PROOF]

    … each also with --witness VKEY … --quorum N, or with --policy FILE

One file, for whoever does not want to trust the rest: it needs Python 3.11 and
`cryptography`, opens no connection, and shares no code with the gateway. It
follows `ledger/FORMAT.md`.

What is checked of a bundle, in this order:

1. the file has its form: a header, leaves, a checkpoint after each export and at
   the end, nothing else;
2. every leaf is canonical JSON (RFC 8785), is complete for its kind, and has
   an id of its own;
3. every outcome belongs to an earlier share, and no share has more outcomes
   than attempts;
4. the tree over the leaves (RFC 6962) has the size and root of the checkpoint, and
   had those of each earlier one when it was as large;
5. the last checkpoint is signed by a key `checkpoint-…` of the trusted JWK Set, under
   the ledger's own name. Keys inside the bundle count for nothing. (Those that signed
   the earlier ones may be retired by now; the root holds them all the same.)

A bundle may begin at a later leaf. Then its header has the roots of the perfect
subtrees before that: the tree goes on from them, and so the leaves before are
shown to be the beginning of this tree. If it holds a checkpoint of before, that is
signed as above too. What those leaves said is not checked.

And of a certificate, which is what a gateway says of one case (a compact JWS):

1. it is signed by a key `certificate-…` of the trusted JWK Set;
2. it does not contradict itself: a closed case has every notice settled;
3. the checkpoint in it is signed as above, and of the ledger of who issued it;
4. with `--partners`, every receipt in it is signed by its recipient, and each
   state that rests on a receipt is what a receipt says;
5. with `--subject` and `--salt`, it is about that person;
6. with `--ledger`, that bundle verifies, goes on from the certificate's checkpoint,
   and its leaves say of the case, its notices and its receipts what it says.

Of the certificate of a mass case, one decision about many people:

1. it is signed, and its checkpoint too, as above;
2. its counts agree with each other, and it is final only where every case is over;
3. with `--cases`, the tree over the ids of that list, in ascending order, has the size
   and root that the certificate has: nobody was left out, put in, or exchanged;
4. with `--belongs`, the case of that proof is one of them;
5. with `--ledger`, that bundle verifies and goes on from the certificate's checkpoint,
   and its leaves say of the decision what it says: each step, by whom, of how many
   people; with `--cases` too, its counts are those of the leaves, case by case and
   notice by notice.

Of a proof about one leaf (`.tlog-proof`, with the leaf beside it): the leaf is
canonical and complete, its hash leads to the root, and that is signed. Of a checkpoint
alone: that it is signed.

Of each of them besides: `--since OLD` asks that the ledger goes on from the checkpoint
in OLD, whatever kind of file that is, and `--witness` with `--quorum`, or `--policy`,
that so many witnesses cosigned the checkpoint. Trusted is what is named on
the command line, and no key that a checked file brings along.

Exit code 0: it verifies. 1: it does not. 2: wrong use, or another kind of file.
The file is read as a stream; kept are 16 bytes a leaf, 16 for each share that has its
outcomes, and what is known of every other share. With `--cases` and `--ledger` together
also 17 bytes for each case of the list and about 150 for each of their notices.
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
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BufferedIOBase
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

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


# --- Canonical JSON (RFC 8785), as far as leaves need it ---------------------------------------

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


def unbase64(text: str) -> bytes:
    """Decode standard base64 in its one right spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refuted("it holds malformed base64") from error
    if base64.b64encode(data).decode() != text:
        raise Refuted("it holds malformed base64")
    return data


def unbase64url(text: str) -> bytes:
    """Decode unpadded base64url in its one right spelling."""
    return unbase64(text.translate(str.maketrans("-_+/", "+/..")) + "=" * (-len(text) % 4))


# --- The tree (RFC 6962) -----------------------------------------------------------------------


def sha256(*parts: bytes) -> bytes:
    """Hash parts one after the other. Leaves begin with 0x00 and nodes with 0x01."""
    return hashlib.sha256(b"".join(parts)).digest()


class Tree:
    """
    The root of a growing list. It counts in binary: place i holds the root of
    2**i leaves or nothing, and adding a leaf carries like adding one.
    """

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        self.size = size
        largest_last = iter(reversed(peaks))
        bits = range(size.bit_length())
        self.places = [next(largest_last) if size >> i & 1 else None for i in bits]
        self.kept: dict[int, bytes | None] = {}  # sizes at which the root is to be remembered

    def keep(self, size: int) -> None:
        """Remember the root when there are so many leaves."""
        self.kept[size] = self.root() if size == self.size else None

    def add(self, digest: bytes) -> None:
        """Append the hash of a leaf."""
        self.size += 1
        self.carry(digest)
        if self.size in self.kept:
            self.kept[self.size] = self.root()

    def carry(self, digest: bytes) -> None:
        """Put a root into the first free place, joined with all that stand before it."""
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


def check_inclusion(
    leaf: bytes, index: int, size: int, hashes: Sequence[bytes], root: bytes
) -> None:
    """Check that the leaf with this hash leads to the root (RFC 9162 §2.1.3.2)."""
    if not index < size:
        raise Refuted(f"there is no leaf {index} under a checkpoint of {size}")
    place, last = index, size - 1
    for step in hashes:
        if not last:
            raise Refuted("the proof has too many hashes")
        if place & 1 or place == last:
            leaf = sha256(b"\x01", step, leaf)
            while place and not place & 1:  # at the right edge a node is carried up as it is
                place, last = place >> 1, last >> 1
        else:
            leaf = sha256(b"\x01", leaf, step)
        place, last = place >> 1, last >> 1
    if last or leaf != root:
        raise Refuted("the leaf leads to another root than the checkpoint's")


def check_consistency(
    old: tuple[int, bytes], new: tuple[int, bytes], hashes: Sequence[bytes]
) -> None:
    """Check that a larger tree begins with a smaller one, each (size, root): RFC 9162 §2.1.4.2."""
    place, last = old[0] - 1, new[0] - 1
    steps = [old[1], *hashes] if not old[0] & place else list(hashes)
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0] if steps else b""
    for step in steps[1:]:
        if not last:
            raise Refuted("the proof of consistency has too many hashes")
        if place & 1 or place == last:
            before, after = sha256(b"\x01", step, before), sha256(b"\x01", step, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = sha256(b"\x01", after, step)
        place, last = place >> 1, last >> 1
    if last or not 0 < old[0] < new[0] or not hashes or (before, after) != (old[1], new[1]):
        raise Refuted("the proof does not lead from the earlier checkpoint to this one")


# --- What is trusted: keys, and how many witnesses ---------------------------------------------

USES = ("checkpoint-", "certificate-")
ED25519, COSIGNATURE = b"\x01", b"\x04"  # types of keys (C2SP signed-note)
Named = tuple[str, bytes]  # a key's name, and four bytes made of name, type and key


@dataclass(frozen=True)
class Group:
    """A rule of which so many members, witnesses or rules, must hold (C2SP tlog-policy)."""

    need: int
    members: tuple["Group | Named", ...]

    def holds(self, signed: Container[Named]) -> bool:
        """Whether enough members hold if these witnesses signed."""
        held = (m.holds(signed) if isinstance(m, Group) else m in signed for m in self.members)
        return sum(held) >= self.need


@dataclass(frozen=True)
class Trust:
    """The keys that were named on the command line, and what is asked of witnesses."""

    keys: dict[str, bytes] = field(default_factory=dict)  # of JWK Sets, by kid
    logs: dict[Named, bytes] = field(default_factory=dict)  # of ledgers, each for one alone
    witnesses: dict[Named, bytes] = field(default_factory=dict)
    rule: Group | None = None

    def of_ledger(self, origin: str) -> dict[Named, tuple[str, bytes]]:
        """The keys that may sign checkpoints of this ledger: what each is called, and its bytes."""
        own = for_use(self.keys, "checkpoint-").items()
        found = {named(origin, ED25519, raw): (kid, raw) for kid, raw in own}
        more = ((one, raw) for one, raw in self.logs.items() if one[0] == origin)
        return found | {one: (f"{one[0]}+{one[1].hex()}", raw) for one, raw in more}


def named(name: str, kind: bytes, raw: bytes) -> Named:
    """Return a key's name and the four bytes that stand for it on a signature line."""
    return name, sha256(name.encode(), b"\n", kind, raw)[:4]


def read_vkey(text: str, kind: bytes, where: str) -> tuple[Named, bytes]:
    """Read `name+id+base64(type and key)`, a key of this type (C2SP signed-note)."""
    name, _, rest = text.partition("+")
    identifier, _, data = rest.partition("+")
    try:
        blob = unbase64(data)
        found = named(name, blob[:1], blob[1:])
    except (Refuted, UnicodeError):
        found, blob = (name, b""), b""
    good = blob[:1] == kind and len(blob) == 33 and found[1].hex() == identifier
    if not good or not name or any(letter.isspace() for letter in name):
        raise WrongUse(f"{where}: {text[:80]!a} is no verifier key of the type 0x{kind.hex()}")
    return found, blob[1:]


def read_trust(given: Sequence[str]) -> Trust:
    """Read the values of `--trust`: JWK Sets, and ledgers' keys as text."""
    trust = Trust()
    for one in given:
        if one.count("+") >= 2 and not Path(one).exists():
            key, raw = read_vkey(one, ED25519, "--trust")
            trust.logs[key] = raw
            continue
        found = read_jwks(Path(one))
        if trust.keys.keys() & found.keys():
            raise WrongUse("--trust: two keys of one kid")
        trust.keys.update(found)
    return trust


def read_jwks(path: Path) -> dict[str, bytes]:
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


def with_witnesses(trust: Trust, given: Sequence[str], quorum: int | None) -> Trust:
    """Add the values of `--witness`. Without `--quorum` all of them must have signed."""
    keys = dict(read_vkey(one, COSIGNATURE, "--witness") for one in given)
    need = len(keys) if quorum is None else quorum
    if len(set(keys.values())) < len(given) or not 0 <= need <= len(keys):
        raise WrongUse("--quorum: more than there are --witness, or one is named twice")
    return replace(trust, witnesses=keys, rule=Group(need, tuple(keys)))


def with_policy(trust: Trust, path: Path) -> Trust:
    """Add what a policy file says: ledgers, witnesses, groups and the quorum (C2SP tlog-policy)."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeError) as error:
        raise WrongUse(f"--policy: {path} cannot be read as UTF-8") from error
    known: dict[str, Group | Named] = {}
    logs, witnesses = dict(trust.logs), dict[Named, bytes]()
    rules: list[Group] = []
    for number, line in enumerate(text.split("\n"), 1):
        where = f"--policy: line {number}"
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line):
            raise WrongUse(f"{where} has a control character")
        match [word for word in re.split(r"[ \t]+", line) if word]:
            case []:
                pass
            case [word, *_] if word.startswith("#"):
                pass
            case ["log", vkey] | ["log", vkey, _]:
                once(logs, *read_vkey(vkey, ED25519, where), where)
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                key, raw = read_vkey(vkey, COSIGNATURE, where)
                once(witnesses, key, raw, where)
                define(known, name, key, where)
            case ["group", name, need, _, *_] as words:
                define(known, name, read_group(known, need, words[3:], where), where)
            case ["quorum", name] if not rules and (name == "none" or name in known):
                rules.append(Group(0, ()) if name == "none" else Group(1, (known[name],)))
            case _:
                raise WrongUse(f"{where} is none of a policy, or names what is not defined before")
    if not rules:
        raise WrongUse(f"--policy: {path} has no line quorum")
    return replace(trust, logs=logs, witnesses=witnesses, rule=rules[0])


def once(keys: dict[Named, bytes], key: Named, raw: bytes, where: str) -> None:
    """Add a key that is not there yet, under whatever name."""
    if raw in keys.values():
        raise WrongUse(f"{where} has a key that an earlier line has")
    keys[key] = raw


def define(known: dict[str, Group | Named], name: str, what: Group | Named, where: str) -> None:
    """Give a witness or a group a name that none has."""
    if name in known or name == "none":
        raise WrongUse(f"{where} defines a name that is taken")
    known[name] = what


def read_group(
    known: dict[str, Group | Named], need: str, names: Sequence[str], where: str
) -> Group:
    """Read the rest of a line `group`: how many, and of whom."""
    count = {"any": 1, "all": len(names)}.get(need) or int(need if need.isdecimal() else 0)
    used = set(names)
    if not used <= known.keys() or len(used) < len(names) or not 1 <= count <= len(names):
        raise WrongUse(f"{where} wants another number of members than there can be, or not defined")
    return Group(count, tuple(known[name] for name in names))


# --- The checkpoint (C2SP signed-note, tlog-checkpoint and tlog-cosignature) -------------------

NO_TEXT = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
SIGNATURE_LINE = re.compile(r"\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """A signed head of the ledger, the trusted keys that signed it, and when witnesses did."""

    origin: str
    size: int
    root: bytes
    signed_by: list[str]
    cosigned_by: dict[Named, int] = field(default_factory=dict)


def open_checkpoint(note: str, trust: Trust) -> Checkpoint:
    """Verify the note against the trusted keys, and read it. Lines of other keys say nothing."""
    if NO_TEXT.search(note):
        raise Refuted("the checkpoint has a character that no note has")
    text, gap, block = note.rpartition("\n\n")
    lines = block.split("\n")
    if not gap or lines.pop() or not lines or len(lines) > MAX_SIGNATURES:
        raise Refuted("the checkpoint is not a text, an empty line and signature lines")
    text += "\n"
    origin = text.split("\n", 1)[0]
    ledger, signed_by, cosigned_by = trust.of_ledger(origin), [], dict[Named, int]()
    for line in lines:
        key, signature = signature_line(line)
        if key in ledger:
            kid, raw = ledger[key]
            check_signature(raw, signature, text.encode(), "a trusted key's")
            signed_by.append(kid)
        elif key in trust.witnesses:
            cosigned_by[key] = check_cosignature(trust.witnesses[key], signature, text)
    if not signed_by:
        raise Refuted("no trusted key signed the checkpoint")
    return Checkpoint(origin, *size_and_root(text), signed_by, cosigned_by)


def check_signature(raw: bytes, signature: bytes, text: bytes, whose: str) -> None:
    """Check an Ed25519 signature on a checkpoint."""
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, text)
    except InvalidSignature as error:
        raise Refuted(f"{whose} signature on the checkpoint is wrong") from error


def check_cosignature(raw: bytes, signature: bytes, text: str) -> int:
    """Check a witness's signature, and return the time at which it says it was made."""
    at = int.from_bytes(signature[:8], "big")
    if len(signature) != 72 or not 0 < at < 2**63:
        raise Refuted("a trusted witness's cosignature is malformed, or has no time")
    signed = f"cosignature/v1\ntime {at}\n{text}".encode()
    check_signature(raw, signature[8:], signed, "a trusted witness's")
    return at


def check_quorum(checkpoint: Checkpoint, trust: Trust) -> None:
    """Check that the witnesses who must have cosigned did."""
    if trust.rule is not None and not trust.rule.holds(checkpoint.cosigned_by):
        count = len(checkpoint.cosigned_by)
        raise Refuted(f"too few witnesses cosigned the checkpoint, {count} of those that are known")


def head_report(checkpoint: Checkpoint, trust: Trust, origin: str | None) -> dict[str, Any]:
    """Check what is asked of any checkpoint, and report what it says and who signed it."""
    if origin is not None and checkpoint.origin != origin:
        raise Refuted("the ledger is another one than --origin names")
    check_quorum(checkpoint, trust)
    witnesses = {name: at for (name, _), at in checkpoint.cosigned_by.items()}
    return {
        "origin": checkpoint.origin,
        "origin_expected": origin is not None,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "signed_by": checkpoint.signed_by,
    } | ({} if trust.rule is None else {"cosigned_by": witnesses})


def signature_line(line: str) -> tuple[Named, bytes]:
    """Take a signature line apart: the key's name and its four bytes, and the signature."""
    found = SIGNATURE_LINE.fullmatch(line)
    blob = unbase64(found[2]) if found else b""
    if not found or len(blob) < 5:
        raise Refuted("the checkpoint has a malformed signature line")
    return (found[1], blob[:4]), blob[4:]


def size_and_root(text: str) -> tuple[int, bytes]:
    """Read size and root from the lines that were signed."""
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise Refuted("the checkpoint has no origin, size and root")
    root = unbase64(lines[2])
    if not DECIMAL.fullmatch(lines[1]) or int(lines[1]) > MAX_SIZE or len(root) != 32:
        raise Refuted("the checkpoint's size or root is malformed")
    return int(lines[1]), root


# --- Keys of others, and what else is asked ----------------------------------------------------

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
    """What is to be checked of a file besides its form and signatures."""

    partners: dict[str, dict[str, Key]] = field(default_factory=dict)  # by recipient, or ""; by kid
    person: bytes = b""  # the salt and the subject
    ledger: Path | None = None  # the bundle that a certificate is compared with
    cases: Path | None = None  # the ids of a mass case's cases
    belongs: Path | None = None  # the proof that a case is one of them
    leaf: Path | None = None  # what a proof is about
    since: Checkpoint | None = None  # from which the ledger must go on
    hashes: tuple[bytes, ...] | None = None  # the proof that it does, where there are no leaves
    case: "Case | Mass | None" = None  # what a certificate says, where a bundle is read for it


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


# --- What the leaves say -----------------------------------------------------------------------

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
    ids: "Remembered" = field(default_factory=lambda: Remembered())
    shares: dict[str, Share] = field(default_factory=dict)  # that are open, or were declared
    closed: "Remembered" = field(default_factory=lambda: Remembered())
    case: "Case | Mass | None" = None
    pruned: int = 0
    before: int = 0  # leaves before the file's first
    unexplained: int = 0

    def read(self, leaf: dict[str, Any]) -> None:
        """Take in the next leaf."""
        kind = check_form(leaf)
        index = self.before + self.pruned + self.ids.count
        self.ids.add(leaf["id"], index)
        self.kinds[kind] += 1
        if kind in SHARES:
            self.share_of(leaf).open += 1
        elif kind == "declared":
            self.share_of(leaf).declared = 1
        elif kind == "outcome":
            self.outcome(leaf)
        if self.case is not None:
            self.case.see(index, kind, leaf)

    def share_of(self, leaf: dict[str, Any]) -> Share:
        """Return the share that a leaf opens, which is one partner's alone."""
        share = self.shares.setdefault(leaf["share"], Share(leaf["partner"]))
        if share.partner != leaf["partner"]:
            raise Refuted("its share was opened for another partner")
        return share

    def outcome(self, leaf: dict[str, Any]) -> None:
        """Match an outcome with an attempt that has none. What has all of its own is let go."""
        known = leaf["share"] in self.shares
        share = self.share_of(leaf) if known else Share(leaf["partner"])
        if share.open:
            share.open -= 1
        elif share.declared:
            share.declared = 0
        elif self.unexplained < self.pruned + self.before:
            # The attempt may be one of the leaves that are not there; each explains one outcome.
            self.unexplained += 1
        else:
            raise Refuted(
                "every attempt at its share has an outcome already, or no earlier leaf opens it"
            )
        if not share.open and not share.declared:
            self.shares.pop(leaf["share"], None)
            self.closed.add(leaf["share"], partner_number(leaf["partner"]))

    def finish(self) -> None:
        """Check what shows only when every leaf was read."""
        for id, share in self.shares.items():
            self.closed.add(id, partner_number(share.partner))
        for first, second in self.ids.repeated():
            wrong = Refuted("an earlier leaf has the same id")
            wrong.leaf = max(first, second)
            raise wrong
        if any(first != second for first, second in self.closed.repeated()):
            raise Refuted("a share was opened for two partners")


def partner_number(partner: str) -> int:
    """Return a number that stands for a partner."""
    return int.from_bytes(sha256(partner.encode())[:5], "big")


class Remembered:
    """Texts by eleven bytes of their hash, each with a number, in sixteen bytes together."""

    def __init__(self) -> None:
        self.count = 0
        self.rows = [bytearray() for _ in range(256)]

    def add(self, text: str, number: int) -> None:
        """Note a text."""
        digest = sha256(text.encode(errors="surrogatepass"))
        self.rows[digest[0]] += digest[1:12] + number.to_bytes(5, "big")
        self.count += 1

    def repeated(self) -> Iterator[tuple[int, int]]:
        """Yield the numbers of texts that were noted more than once, two by two."""
        for row in self.rows:
            ordered = sorted(bytes(row[at : at + 16]) for at in range(0, len(row), 16))
            for one, other in pairwise(ordered):
                if one[:11] == other[:11]:
                    yield int.from_bytes(one[11:], "big"), int.from_bytes(other[11:], "big")


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


# --- The bundle --------------------------------------------------------------------------------

FIRST, SECOND = "sharing-ledger/1", "sharing-ledger/2"
INTERRUPTED = "its export was interrupted, and goes on when it is run again"


class Lines:
    """The lines of a file, one at a time, each within its bound."""

    def __init__(self, stream: BufferedIOBase, number: int) -> None:
        self.stream = stream
        self.number = number

    def next(self, *, end: bool = False) -> bytes:
        """Return the next line without its line feed; empty at the end, if it may be here."""
        self.number += 1
        line = self.stream.readline(MAX_LINE)
        if not line and end:
            return b""
        if line.endswith(b"\n") and line != b"\n":
            return line[:-1]
        what = "the line is empty" if line == b"\n" else "the line is cut or too long"
        wrong = Refuted(what if line else "the file ends too early")
        wrong.line = self.number
        raise wrong

    @contextmanager
    def blamed(self, leaf: int | None = None) -> Iterator[None]:
        """Note the line, and the leaf, at which something turns out wrong."""
        try:
            yield
        except Refuted as wrong:
            wrong.line, wrong.leaf = self.number, leaf
            raise


def check_bundle(
    first: bytes, lines: Lines, trust: Trust, origin: str | None, asked: Asked
) -> dict[str, Any]:
    """Check a bundle of which the first line was read, and report what it holds."""
    refuse_others(asked)
    with lines.blamed():
        header = read_header(first)
        contents = Contents(before=header.start, case=asked.case)
        tree = Tree(header.start, header.peaks)
        if asked.since is not None:
            tree.keep(asked.since.size)
        before = tree.root().hex() if header.start else None
        since = check_since(header, tree, trust)
    read = read_counted if header.size is not None else read_grown
    checkpoint = read(lines, header, tree, contents, trust)
    contents.finish()
    check_head(checkpoint, tree, header.origin)
    begins = {"start": header.start, "start_root": before, "start_signed_by": since}
    found = {"verified": True, "format": header.format} | head_report(checkpoint, trust, origin)
    found |= check_goes_on(checkpoint, asked, tree) | report(contents)
    return found | (begins if header.start else {})


@dataclass(frozen=True)
class Header:
    """What the first line promises. Nothing of it counts before a checkpoint agrees."""

    format: str
    origin: str
    size: int | None = None  # in the first version alone; else the last checkpoint has it
    start: int = 0
    peaks: tuple[bytes, ...] = ()
    since: str | None = None


def read_header(line: bytes) -> Header:
    """Read the first line of either version."""
    said = parse_object(line)
    members = {"format", "origin"}
    if said.get("format") == FIRST:
        members |= {"size", "exported_at"}
    elif "start" in said:
        members |= {"start", "peaks"} | {"since"} & said.keys()
    parse_line(line, members)
    origin, size, start = said["origin"], said.get("size"), said.get("start", 0)
    if not isinstance(origin, str) or not isinstance(said.get("since"), str | None):
        raise Refuted("the header has no origin, or a checkpoint that is no text")
    for number, least in ((0 if size is None else size, 0), (start, int("start" in said))):
        if type(number) is not int or not least <= number <= MAX_SIZE:
            raise Refuted("the header has no size, or no index to start at")
    peaks = said.get("peaks", [])
    hashes = [one for one in peaks if isinstance(one, str)] if isinstance(peaks, list) else []
    if hashes != peaks or not all(map(HEX_256.fullmatch, hashes)):
        raise Refuted("the header's peaks are no hashes")
    if len(hashes) != start.bit_count():
        raise Refuted("the header has other peaks than its start has bits")
    roots = tuple(map(bytes.fromhex, hashes))
    return Header(said["format"], origin, size, start, roots, said.get("since"))


def check_since(header: Header, tree: Tree, trust: Trust) -> list[str]:
    """Check the checkpoint of the leaves before the first one, if there is one; who signed it."""
    if header.since is None:
        return []
    since = open_checkpoint(header.since, trust)
    check_head(since, tree, header.origin)
    return since.signed_by


def read_counted(
    lines: Lines, header: Header, tree: Tree, contents: Contents, trust: Trust
) -> Checkpoint:
    """Read the leaves of the first version, as many as its header says, and the checkpoint."""
    for index in range(header.size or 0):
        with lines.blamed(index):
            tree.add(check_leaf(lines.next(), contents))
        show_progress(tree.size, header.size)
    with lines.blamed():
        return read_footer(lines, trust)


def read_grown(
    lines: Lines, header: Header, tree: Tree, contents: Contents, trust: Trust
) -> Checkpoint:
    """Read leaves and checkpoints to the end; the last line is a checkpoint, and it counts."""
    note, marked = "", -1
    while line := lines.next(end=True):
        if not line.startswith(b'{"checkpoint"'):
            with lines.blamed(tree.size):
                tree.add(check_leaf(line, contents))
            show_progress(tree.size)
            note = ""
            continue
        with lines.blamed():
            note = check_mark(line, header, tree)
            if marked == tree.size:
                raise Refuted("two checkpoints stand one behind the other")
        marked = tree.size
    with lines.blamed():
        if not note:
            raise Refuted(f"the bundle is not finished: {INTERRUPTED}")
        return open_checkpoint(note, trust)


def check_mark(line: bytes, header: Header, tree: Tree) -> str:
    """Compare a checkpoint with the tree as it is where it stands; the note in it."""
    note = parse_line(line, {"checkpoint", "exported_at"})["checkpoint"]
    if not isinstance(note, str):
        raise Refuted("the checkpoint is no text")
    text = note.rpartition("\n\n")[0] + "\n"
    claimed = Checkpoint(text.split("\n", 1)[0], *size_and_root(text), [])
    check_head(claimed, tree, header.origin)
    return note


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
        digest = pruned_hash(leaf)
        contents.pruned += 1
        return digest
    contents.read(leaf)
    return sha256(b"\x00", line)


def pruned_hash(leaf: dict[str, Any]) -> bytes:
    """Return the hash that stands in place of a pruned leaf."""
    digest = leaf["leaf_hash"]
    if leaf["pruned"] is not True or not isinstance(digest, str) or not HEX_256.fullmatch(digest):
        raise Refuted("it stands for a pruned leaf and has no hash")
    return bytes.fromhex(digest)


def read_footer(lines: Lines, trust: Trust) -> Checkpoint:
    """Read the last line and verify the checkpoint in it."""
    note = parse_line(lines.next(), {"checkpoint"})["checkpoint"]
    if lines.stream.read(1):
        raise Refuted("something follows the checkpoint")
    if not isinstance(note, str):
        raise Refuted("the checkpoint is no text")
    return open_checkpoint(note, trust)


def parse_line(line: bytes, names: set[str]) -> dict[str, Any]:
    """Read the header or the last line: an object with exactly these members."""
    value = parse_object(line)
    if value.keys() != names or line != line.strip():
        raise Refuted(f"the line is not an object of {', '.join(sorted(names))}")
    return value


def check_head(checkpoint: Checkpoint, tree: Tree, expected: str) -> None:
    """Compare the checkpoint with the header and the leaves."""
    if checkpoint.origin != expected:
        raise Refuted("the checkpoint is of another ledger than the header names")
    if checkpoint.size != tree.size:
        raise Refuted(f"the checkpoint is of {checkpoint.size} leaves, there are {tree.size}")
    if checkpoint.root != tree.root():
        raise Refuted("the leaves have another root than the checkpoint")


def report(contents: Contents) -> dict[str, Any]:
    """Say what the leaves of a bundle that verifies are."""
    return {
        "kinds": dict(sorted(contents.kinds.items())),
        "pruned": contents.pruned,
        "open_intents": sum(share.open for share in contents.shares.values()),
    }


# --- That a ledger goes on from an earlier checkpoint ------------------------------------------


def check_goes_on(new: Checkpoint, asked: Asked, tree: Tree | None = None) -> dict[str, Any]:
    """Check that the ledger begins with the one of `--since`, by its leaves or by a proof."""
    old = asked.since
    if old is None:
        return {}
    if old.origin != new.origin:
        raise Refuted("the earlier checkpoint is of another ledger")
    if old.size > new.size:
        raise Refuted(f"the ledger had {old.size} leaves before, and has {new.size}: it is older")
    if old.size == new.size or tree is not None:
        root = new.root if tree is None or old.size == new.size else tree.kept[old.size]
        if root is None:
            raise WrongUse("--since: the bundle begins behind that checkpoint, take a longer one")
        if root != old.root:
            raise Refuted(f"the first {old.size} leaves have another root than they had before")
    elif asked.hashes is None:
        raise WrongUse("--since: give the proof between the two with --consistency, or a bundle")
    elif old.size:
        check_consistency((old.size, old.root), (new.size, new.root), asked.hashes)
    since = {"size": old.size, "root": old.root.hex(), "signed_by": old.signed_by}
    return {"since": since}


def read_since(path: Path, trust: Trust) -> Checkpoint:
    """Read and verify the checkpoint in a file of any kind; nothing else of the file is checked."""
    try:
        return open_checkpoint(with_file(path, note_of), trust)
    except Refuted as error:
        raise Refuted(f"--since: {error}") from error


def note_of(first: bytes, lines: Lines) -> str:
    """Return the checkpoint that a file ends with, or holds."""
    stream, kind = lines.stream, kind_of(first, lines)
    if kind in (CERTIFICATE, MASS):
        return str(parse_object(unbase64url(first.decode().split(".")[1])).get("checkpoint"))
    if kind in (PROOF, NOTE):
        rest = (first + b"\n" + stream.read(MAX_LINE)).decode(errors="replace")
        return rest if kind == NOTE else rest.partition("\n\n")[2]
    last = first
    while line := stream.readline(MAX_LINE):
        last = line
    return str(parse_object(last).get("checkpoint"))


def read_hashes(path: Path) -> tuple[bytes, ...]:
    """Read the proof between two checkpoints: a JSON object with `hashes`, in hex."""
    try:
        hashes = parse_object(path.read_bytes())["hashes"]
        good = all(HEX_256.fullmatch(one) for one in hashes)
    except (OSError, KeyError, TypeError, Refuted) as error:
        raise WrongUse(f"--consistency: {path} has no hashes in JSON") from error
    if not good or len(hashes) > MAX_HASHES:
        raise WrongUse(f"--consistency: {path} has other hashes than of 32 bytes in hex")
    return tuple(map(bytes.fromhex, hashes))


# --- One checkpoint, and the proof of one leaf (C2SP tlog-proof) -------------------------------

PROOF, NOTE = "c2sp.org/tlog-proof@v1", "checkpoint"
MAX_HASHES = 63


def check_note(
    first: bytes, lines: Lines, trust: Trust, origin: str | None, asked: Asked
) -> dict[str, Any]:
    """Check a checkpoint that stands alone in its file."""
    refuse_others(asked)
    checkpoint = open_checkpoint(text_of(first, lines), trust)
    found = {"verified": True, "format": NOTE} | head_report(checkpoint, trust, origin)
    return found | check_goes_on(checkpoint, asked)


def check_proof(
    first: bytes, lines: Lines, trust: Trust, origin: str | None, asked: Asked
) -> dict[str, Any]:
    """Check that a leaf is in the ledger, and report what it says."""
    refuse_others(asked)
    if asked.leaf is None:
        raise WrongUse("a proof is about a leaf: name its file with --leaf")
    index, hashes, extra, note = read_proof(text_of(first, lines))
    checkpoint = open_checkpoint(note, trust)
    try:
        line = asked.leaf.read_bytes()
    except OSError as error:
        raise WrongUse(f"--leaf: {asked.leaf} cannot be read") from error
    contents = Contents(before=index)
    digest = check_leaf(line.removesuffix(b"\n"), contents)
    if contents.pruned:
        raise Refuted("it stands for a pruned leaf; the proof shows nothing of what that said")
    check_inclusion(digest, index, checkpoint.size, hashes, checkpoint.root)
    found = {"verified": True, "format": PROOF} | head_report(checkpoint, trust, origin)
    found |= {"index": index, "leaf_hash": digest.hex(), "leaf": parse_object(line)}
    return found | {"extra_ignored": extra} | check_goes_on(checkpoint, asked)


def refuse_others(asked: Asked) -> None:
    """Refuse options that are for certificates."""
    if asked.partners or asked.person or asked.ledger:
        raise WrongUse("--partners, --subject, --salt and --ledger are for certificates")
    refuse_of_many(asked)


def refuse_of_many(asked: Asked) -> None:
    """Refuse options that are for the certificate of a mass case."""
    if asked.cases or asked.belongs:
        raise WrongUse("--cases and --belongs are for the certificate of a mass case")


def text_of(first: bytes, lines: Lines) -> str:
    """Return the whole of a short file."""
    whole = first + b"\n" + lines.stream.read(MAX_LINE)
    if len(whole) > MAX_LINE:
        raise Refuted("it is too long")
    try:
        return whole.decode()
    except UnicodeDecodeError as error:
        raise Refuted("it is not UTF-8") from error


def read_proof(text: str) -> tuple[int, list[bytes], bool, str]:
    """Take a proof apart: index, hashes, whether it has an `extra`, and the checkpoint's note."""
    head, gap, note = text.partition("\n\n")
    _, *lines = head.split("\n")
    # Nothing authenticates it: it is looked at for its form alone (C2SP tlog-proof).
    extra = bool(lines) and lines[0].startswith("extra ")
    if extra:
        unbase64(lines.pop(0).removeprefix("extra "))
    if not gap or not note or not lines or not lines[0].startswith("index "):
        raise Refuted("the proof is not an index, hashes, an empty line and a checkpoint")
    digits, hashes = lines[0].removeprefix("index "), [unbase64(line) for line in lines[1:]]
    if not DECIMAL.fullmatch(digits) or int(digits) > MAX_SIZE:
        raise Refuted("the index is no decimal number")
    if len(hashes) > MAX_HASHES or any(len(one) != 32 for one in hashes):
        raise Refuted("the proof has too many hashes, or one that is not of 32 bytes")
    return int(digits), hashes, extra, note


# --- The certificate of a case (a compact JWS, RFC 7515) ---------------------------------------

CERTIFICATE, RECEIPT = "sharing-certificate+jwt", "sharing-receipt+jwt"
MASS = "sharing-mass-certificate+jwt"
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


def check_certificate(
    first: bytes, lines: Lines, trust: Trust, origin: str | None, asked: Asked
) -> dict[str, Any]:
    """Check a certificate, which is the file's only line, and report what it says."""
    refuse_of_many(asked)
    said = open_certificate(first, lines, trust, CERTIFICATE)
    check_said(said)
    checkpoint = checkpoint_of(said, trust)
    head = head_report(checkpoint, trust, origin)
    if asked.person and sha256(asked.person).hex() != said["subject_hash"]:
        raise Refuted("it is about another person, or the salt is another one")
    for notice in said["notices"] if asked.partners else ():
        check_receipts(notice, said["iss"], asked.partners)
    goes_on = check_goes_on(checkpoint, asked)
    ledger = check_ledger(asked.ledger, said, checkpoint, trust) if asked.ledger else {}
    notices = [{**notice, "receipts": len(notice["receipts"])} for notice in said["notices"]]
    del said["checkpoint"]
    return {
        **{"verified": True, "format": CERTIFICATE, "interim": False, **said, "notices": notices},
        **{"ledger": head["origin"], "size": head["size"], "ledger_signed_by": head["signed_by"]},
        **{name: head[name] for name in head.keys() & {"cosigned_by"}},
        **goes_on,
        "receipts_checked": bool(asked.partners),
        "subject_checked": bool(asked.person),
        **ledger,
    }


def open_certificate(first: bytes, lines: Lines, trust: Trust, typ: str) -> dict[str, Any]:
    """Return the claims of the certificate that is the file's only line."""
    if len(first) >= MAX_LINE or lines.stream.read(1):
        raise Refuted("the certificate is too long, or something follows it")
    own = for_use(trust.keys, "certificate-").items()
    return open_jws(first.decode(), typ, {kid: ed25519(raw) for kid, raw in own})


def checkpoint_of(said: dict[str, Any], trust: Trust) -> Checkpoint:
    """Return the checkpoint in a certificate, which is of its issuer's ledger."""
    checkpoint = open_checkpoint(said["checkpoint"], trust)
    if checkpoint.origin != said["iss"].partition("://")[2].rstrip("/") + "/ledger":
        raise Refuted("the checkpoint is of another ledger than the issuer's")
    return checkpoint


class Case:
    """What leaves up to the certificate's checkpoint say of its case, to be compared with it."""

    def __init__(self, said: dict[str, Any], size: int) -> None:
        self.said, self.size = said, size
        self.states: list[tuple[str, str]] = []  # action and state, in order
        self.notices: dict[str, list[tuple[str, str, bool, str]]] = {}
        self.receipts: set[tuple[str, str]] = set()  # notice and hash

    def see(self, index: int, kind: str, leaf: dict[str, Any]) -> None:
        """Note a leaf, if it is about this case and under the checkpoint."""
        if index >= self.size:
            return
        if kind == "receipt":
            self.receipts.add((str(leaf["notice"]), str(leaf["digest"])))
        elif leaf.get("case") != self.said["case"]:
            return
        elif kind == "case":
            self.states.append((str(leaf["action"]), str(leaf["state"])))
        elif kind == "notice":
            told = str(leaf["partner"]), str(leaf["state"]), leaf.get("settled") is True
            row = (*told, str(leaf.get("reason", "")))
            self.notices.setdefault(str(leaf["notice"]), []).append(row)

    def missing(self) -> int:
        """Compare, and return how much of what the certificate says no leaf says."""
        said, missing = self.said, 0
        now = [state for action, state in self.states if action == said["action"]]
        if len(now) < len(self.states) or (now and not said["closed_at"] and "closed" in now):
            raise Refuted("leaves say another action or state of the case than the certificate")
        missing += (said["state"] == "closed" and "closed" not in now) or not now
        for notice in said["notices"]:
            rows = self.notices.pop(notice["notice"], [])
            mine = notice["partner"], notice["state"], notice["settled"]
            told = [row[:3] for row in rows]
            # While a case is open its notices go on, also between the reading and the signing.
            if told and mine not in (told if said["state"] == "open" else told[-1:]):
                raise Refuted(f"leaves say something else of the notice to {notice['partner']!a}")
            digests = [sha256(token.encode()).hex() for token in notice["receipts"]]
            missing += not rows
            missing += sum((notice["notice"], one) not in self.receipts for one in digests)
        # Who may not be told of is in the ledger, and left out of a person's certificate.
        if any(row[3] != "may-not-be-told" for rows in self.notices.values() for row in rows[-1:]):
            raise Refuted("leaves name a notice of the case that the certificate leaves out")
        return missing


def check_ledger(
    path: Path, said: dict[str, Any], checkpoint: Checkpoint, trust: Trust
) -> dict[str, Any]:
    """Check a bundle that holds the certificate's checkpoint, and compare what its leaves say."""
    return compare(path, Case(said, checkpoint.size), checkpoint, trust)


def compare(
    path: Path, case: "Case | Mass", checkpoint: Checkpoint, trust: Trust
) -> dict[str, Any]:
    """Read the bundle for a certificate, and report how much of this its leaves say."""
    without = replace(trust, rule=None)
    found = check_file(path, without, checkpoint.origin, Asked(since=checkpoint, case=case))
    if found["format"] not in (FIRST, SECOND):
        raise WrongUse(f"--ledger: {path} is no bundle")
    missing = case.missing()
    if missing and not found["pruned"] and not found.get("start"):
        raise Refuted(f"{missing} things that the certificate says are said by no leaf")
    return {"ledger_size": found["size"], "said_by_leaves": missing == 0, "not_found": missing}


def check_said(said: dict[str, Any]) -> None:
    """Check that a certificate is complete and does not contradict itself."""
    state, interim = said.get("state"), said.get("interim", False)
    check_members(
        {name: said[name] for name in said.keys() - {"interim", "ground"}}, CASE, "closed_at"
    )
    if (state, type(said["closed_at"])) not in STATES or interim is not (state == "open"):
        raise Refuted("the case's state is not known, or does not go with closed_at and interim")
    if "ground" in said and (state != "refused" or not isinstance(said["ground"], str)):
        raise Refuted("a ground is what a refused request has, and no other")
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


# --- The certificate of a mass case ------------------------------------------------------------

# What it has, by type; then what may be null, a text otherwise.
MASS_CLAIMS: dict[type, str] = {
    str: "iss mass action reason state chosen opener accepted_at starts_at checkpoint",
    int: "iat people",
    dict: "scope cases",
    list: "steps recipients",
}
MASS_NULLABLE = "approver announced_at ended_at"
MASS_STATES = {"proposed", "waiting", "running", "paused", "cancelled", "opened", "closed"}
STEP: dict[type, str] = {str: "event at", int: "leaf"}
ROW: dict[type, str] = {
    str: "partner",
    int: "notices settled unsettled",
    dict: "states evidence",
}
CASES: dict[type, str] = {str: "root", int: "opened open closed refused passed"}
CASE_ID = re.compile(rb"case_([0-9a-f]{32})\n?")
# As a case's leaves have it, in their order.
CASE_STATES = ("", "open", "closed", "refused")
# What leaves are counted by, of those that are over.
COUNTED = {"closed", "refused", *NOTICE_STATES, *filter(None, EVIDENCE)}
Stand = tuple[str, str, bool, str, str]  # recipient, state, whether settled, by, backups_until


def check_mass(
    first: bytes, lines: Lines, trust: Trust, origin: str | None, asked: Asked
) -> dict[str, Any]:
    """Check the certificate of a mass case, and report what it says."""
    if asked.partners or asked.person:
        raise WrongUse("--partners, --subject and --salt are for the certificate of one case")
    said = open_certificate(first, lines, trust, MASS)
    check_mass_said(said)
    checkpoint = checkpoint_of(said, trust)
    head = head_report(checkpoint, trust, origin)
    goes_on = check_goes_on(checkpoint, asked)
    listed = check_listed(asked.cases, said["cases"]) if asked.cases else None
    case = check_belongs(asked.belongs, said) if asked.belongs else None
    mass = Mass(said, checkpoint.size, listed)
    ledger = compare(asked.ledger, mass, checkpoint, trust) if asked.ledger else {}
    del said["checkpoint"]
    return {
        **{"verified": True, "format": MASS, "interim": False, **said},
        **{"ledger": head["origin"], "size": head["size"], "ledger_signed_by": head["signed_by"]},
        **{name: head[name] for name in head.keys() & {"cosigned_by"}},
        **goes_on,
        "cases_checked": listed is not None,
        "belongs": case,
        **ledger,
    }


def check_mass_said(said: dict[str, Any]) -> None:
    """Check that it is complete and does not contradict itself."""
    check_members(
        {name: said[name] for name in said.keys() - {"interim"}}, MASS_CLAIMS, MASS_NULLABLE
    )
    if not all(isinstance(said[name], str | None) for name in MASS_NULLABLE.split()):
        raise Refuted("a claim is of another type")
    for step in said["steps"]:
        check_members(step, STEP, "by")
        if not isinstance(step["by"], str | None) or step["leaf"] < 0:
            raise Refuted("a step is of another type")
    for row in said["recipients"]:
        check_row(row)
    partners = [row["partner"] for row in said["recipients"]]
    if partners != sorted(set(partners)):
        raise Refuted("a recipient stands twice, or out of order")
    cases, state = said["cases"], said["state"]
    check_members(cases, CASES, "")
    numbers = [cases[name] for name in CASES[int].split()]
    if min(*numbers, said["people"]) < 0 or not HEX_256.fullmatch(cases["root"]):
        raise Refuted("its cases are not counted, or have no root")
    if sum(numbers[1:4]) != numbers[0]:
        raise Refuted("its counts of cases do not add up")
    over = state in ("closed", "cancelled")
    if state not in MASS_STATES or (said["ended_at"] is not None) is not over:
        raise Refuted("its state is not known, or does not go with ended_at")
    if said.get("interim", False) is not (not over or cases["open"] > 0):
        raise Refuted("it is final where every case of it is over, and only then")
    if "interim" not in said and any(row["unsettled"] for row in said["recipients"]):
        raise Refuted("every case of it is over, and a notice is not settled")


def check_row(row: Any) -> None:
    """Check that what it says of one recipient adds up."""
    check_members(row, ROW, "backups_until")
    states, evidence = row["states"], row["evidence"]
    tables = [*states.values(), *evidence.values()]
    if not states.keys() <= NOTICE_STATES or not evidence.keys() <= set(EVIDENCE):
        raise Refuted("the state of a notice, or on what it rests, is not known")
    if any(type(count) is not int or count < 0 for count in tables):
        raise Refuted("a count is none")
    if not isinstance(row["backups_until"], str | None):
        raise Refuted("backups_until is of another type")
    if not sum(states.values()) == row["notices"] == row["settled"] + row["unsettled"]:
        raise Refuted("a recipient's counts do not add up")
    proved = sum(evidence.values())
    by_itself = states.get("completed", 0) + states.get("exempt", 0)
    if not proved <= row["settled"] <= proved + by_itself or row["unsettled"] < 0:
        raise Refuted("notices are settled, and nothing says by what")


def check_listed(path: Path, cases: dict[str, Any]) -> bytes:
    """Check that a list is that of the cases; their ids side by side, in 16 bytes each."""
    tree, ids, last = Tree(), bytearray(), b""
    for line in each_line(path):
        found = CASE_ID.fullmatch(line)
        if not found or not line > last:
            raise Refuted("the list is not of cases' ids in ascending order, one a line")
        tree.add(sha256(b"\x00", line.rstrip(b"\n")))
        ids += bytes.fromhex(found[1].decode())
        last = line
    if (tree.size, tree.root().hex()) != (cases["opened"], cases["root"]):
        raise Refuted("the list is another one than the certificate counts")
    return bytes(ids)


def each_line(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, none longer than a short one may be."""
    try:
        with path.open("rb") as stream:
            yield from iter(lambda: stream.readline(100), b"")
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror or 'unknown reason'}") from error


def check_belongs(path: Path, said: dict[str, Any]) -> str:
    """Check the proof that a case is one of the certificate's, and return the case."""
    try:
        proof = parse_object(path.read_bytes())
    except OSError as error:
        raise WrongUse(f"--belongs: {path} cannot be read") from error
    check_members(proof, {str: "mass case", int: "index size", list: "hashes"}, "")
    hashes = [one for one in proof["hashes"] if isinstance(one, str) and HEX_256.fullmatch(one)]
    if hashes != proof["hashes"] or len(hashes) > MAX_HASHES or proof["index"] < 0:
        raise Refuted("the proof's index or hashes are malformed")
    if (proof["mass"], proof["size"]) != (said["mass"], said["cases"]["opened"]):
        raise Refuted("the proof is of another mass case, or of another list")
    leaf, root = sha256(b"\x00", proof["case"].encode()), bytes.fromhex(said["cases"]["root"])
    check_inclusion(leaf, proof["index"], proof["size"], [*map(bytes.fromhex, hashes)], root)
    return str(proof["case"])


class Mass:
    """What leaves up to the certificate's checkpoint say of a mass case, and of its cases."""

    def __init__(self, said: dict[str, Any], size: int, listed: bytes | None) -> None:
        self.said, self.size, self.listed = said, size, listed
        self.steps: dict[int, tuple[Any, ...]] = {}  # by index
        self.people: Any = None
        self.opened = 0  # leaves by which one of its cases was opened
        self.states = bytearray(len(listed or b"") // 16)  # of each case of the list
        self.notices: dict[bytes, Stand] = {}  # by hash
        self.alike: dict[Stand, Stand] = {}

    def see(self, index: int, kind: str, leaf: dict[str, Any]) -> None:
        """Note a leaf, if it is about this mass case and under the checkpoint."""
        if index >= self.size or kind not in ("case", "notice"):
            return
        if leaf["case"] == self.said["mass"]:
            self.steps[index] = (leaf["state"], leaf["at"], leaf.get("actor"), index)
            self.people = leaf.get("count")
            self.agree(leaf)
            return
        place = self.place(str(leaf["case"])) if self.listed is not None else None
        if place is not None:
            self.note(place, kind, leaf)
        if kind == "case" and leaf.get("mass") == self.said["mass"]:
            self.opened += 1
            if place is None and self.listed is not None:
                raise Refuted("leaves name a case of the mass case that the list leaves out")

    def agree(self, leaf: dict[str, Any]) -> None:
        """Check that a leaf is of the action and for the reason that the certificate names."""
        if any(leaf.get(name) != self.said[name] for name in ("action", "reason")):
            raise Refuted("leaves say another action or reason than the certificate")

    def place(self, case: str) -> int | None:
        """Return where a case stands in the list."""
        found, listed = CASE_ID.fullmatch(case.encode(errors="replace")), self.listed or b""
        if not found:
            return None
        raw, low, high = bytes.fromhex(found[1].decode()), 0, len(self.states)
        while low < high:
            middle = (low + high) // 2
            if listed[16 * middle : 16 * middle + 16] < raw:
                low = middle + 1
            else:
                high = middle
        return low if listed[16 * low : 16 * low + 16] == raw else None

    def note(self, place: int, kind: str, leaf: dict[str, Any]) -> None:
        """Note a leaf about one of its cases."""
        if kind == "case":
            self.agree(leaf)
            if leaf.get("mass", self.said["mass"]) != self.said["mass"]:
                raise Refuted("leaves say that a case of the list is of another mass case")
            if leaf["state"] not in CASE_STATES:
                raise Refuted("the state of a case is not known")
            self.states[place] = CASE_STATES.index(leaf["state"])
            return
        partner, key = str(leaf["partner"]), sha256(str(leaf["notice"]).encode())[:16]
        if leaf.get("reason") == "may-not-be-told":
            self.notices.pop(key, None)
            return
        more = str(leaf.get("by", "")), str(leaf.get("backups_until", ""))[:10]
        row = partner, str(leaf["state"]), leaf.get("settled") is True, *more
        self.notices[key] = self.alike.setdefault(row, row)

    def missing(self) -> int:
        """Compare, and return how much of what the certificate says no leaf says."""
        said, interim = self.said, "interim" in self.said
        missing: int = 0
        for step in said["steps"]:
            found = self.steps.pop(step["leaf"], None)
            missing += found is None
            if found not in (None, (step["event"], step["at"], step["by"], step["leaf"])):
                raise Refuted("leaves say another step of the decision than the certificate")
        if self.steps and not interim:
            raise Refuted("leaves name a step of the decision that the certificate leaves out")
        if self.people not in (None, said["people"]) and not interim:
            raise Refuted("leaves say another number of people than the certificate")
        if self.opened > said["cases"]["opened"] and not interim:
            raise Refuted("leaves say that more cases were opened than the certificate")
        missing += max(0, said["cases"]["opened"] - self.opened)
        if self.listed is None:
            return missing
        missing += self.states.count(0)
        # While cases are open they go on, also between the reading and the signing.
        return missing if interim else missing + self.uncounted()

    def uncounted(self) -> int:
        """Compare the counts, and return how many cases and notices no leaf says."""
        short = self.short_of("cases", "", self.said["cases"], self.counted_cases())
        told = self.counted_notices()
        for row in self.said["recipients"]:
            partner = row["partner"]
            for table in ("states", "evidence"):
                short += self.short_of(
                    "notices", partner, row[table], told.pop((partner, table), {})
                )
            days = [one[4] for one in set(self.notices.values()) if one[0] == partner]
            if max(days, default="") > (row["backups_until"] or ""):
                raise Refuted(f"leaves name a later day of {partner!a}'s backups")
        if told:
            raise Refuted("leaves name notices that the certificate does not count")
        return short

    def counted_cases(self) -> dict[str, int]:
        """Count the listed cases that are over, by state."""
        return {name: self.states.count(CASE_STATES.index(name)) for name in ("closed", "refused")}

    def counted_notices(self) -> dict[tuple[str, str], Counter[str]]:
        """Count their notices by recipient: by state, and by the word on which they are settled."""
        told: dict[tuple[str, str], Counter[str]] = {}
        for (partner, state, settled, by, _), count in Counter(self.notices.values()).items():
            if not settled:
                raise Refuted(f"leaves say that a notice to {partner!a} is not settled")
            told.setdefault((partner, "states"), Counter())[state] += count
            told.setdefault((partner, "evidence"), Counter())[by] += count * bool(by)
        return told

    def short_of(self, what: str, whose: str, said: dict[str, int], told: dict[str, int]) -> int:
        """Return how many less the leaves tell than are said, of what; more must not be."""
        for name, count in told.items():
            if count > said.get(name, 0):
                raise Refuted(
                    f"leaves say that more {what} {whose} are {name} than the certificate"
                )
        return sum(said[name] - told.get(name, 0) for name in said.keys() & COUNTED)


# --- The command -------------------------------------------------------------------------------

# By the format that a file's first line names.
CHECKS = {FIRST: check_bundle, SECOND: check_bundle, CERTIFICATE: check_certificate}
CHECKS |= {PROOF: check_proof, NOTE: check_note, MASS: check_mass}
JWS = re.compile(rb"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+")
SECOND_LINE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")  # of a checkpoint: its size
T = TypeVar("T")


def check_file(path: Path, trust: Trust, origin: str | None, asked: Asked) -> dict[str, Any]:
    """Open a file, tell its kind and check it."""

    def check(first: bytes, lines: Lines) -> dict[str, Any]:
        return CHECKS[kind_of(first, lines)](first, lines, trust, origin, asked)

    return with_file(path, check)


def with_file(path: Path, use: Callable[[bytes, "Lines"], T]) -> T:
    """Open a file, plain or gzip by its name, and give its first line and the rest to `use`."""
    packed = path.name.removesuffix(".part").endswith(".gz")
    opened: Callable[..., BufferedIOBase] = gzip.open if packed else open
    try:
        with opened(path, "rb") as stream:
            return use(stream.readline(MAX_LINE).removesuffix(b"\n"), Lines(stream, 1))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Refuted(f"the compressed file is cut or damaged; or {INTERRUPTED}") from error
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror or 'unknown reason'}") from error


def kind_of(first: bytes, lines: Lines) -> str:
    """Tell by the first line what a file is. Raises `WrongUse` for what is not known."""
    token = JWS.fullmatch(first)
    try:
        said = parse_object(unbase64url(token[1].decode())) if token else json.loads(first)
        name = str(said["typ" if token else "format"])
    except (ValueError, TypeError, KeyError, RecursionError, Refuted):
        name = first.decode(errors="replace")
    if name in CHECKS and name != NOTE:
        return name
    # Of a checkpoint the first line may be anything; the second is its size.
    peek: Callable[[int], bytes] = getattr(lines.stream, "peek", lambda _: b"")
    if SECOND_LINE.match(peek(32)):
        return NOTE
    what = "something that this program does not know"
    if name.startswith("sharing-ledger/"):
        what = "a ledger bundle of a version that this program does not know"
    elif name.startswith("c2sp.org/tlog-proof@"):
        what = "a proof of a version that this program does not know"
    elif token:
        what = "a signed token, and no certificate"
    raise WrongUse(f"the file is {what}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        trust = trusted(arguments)
        found = check_file(arguments.file, trust, arguments.origin, asked_for(arguments, trust))
    except WrongUse as wrong:
        print(f"gateway-verify: {wrong}", file=sys.stderr)
        return 2
    except Refuted as wrong:
        result = {"verified": False, "error": str(wrong), "line": wrong.line, "leaf": wrong.leaf}
        print(json.dumps(result) if arguments.json else refuted_text(arguments.file, wrong))
        return 1
    print(json.dumps(found) if arguments.json else TEXTS[found["format"]](arguments, found))
    return 0


def trusted(arguments: argparse.Namespace) -> Trust:
    """Read everything that says whom to trust."""
    trust = read_trust(arguments.trust)
    if arguments.policy is not None:
        if arguments.witness or arguments.quorum is not None:
            raise WrongUse("--policy says who the witnesses are: leave out --witness and --quorum")
        trust = with_policy(trust, arguments.policy)
    elif arguments.witness or arguments.quorum is not None:
        trust = with_witnesses(trust, arguments.witness, arguments.quorum)
    if not trust.keys and not trust.logs:
        raise WrongUse("--trust: name a JWK Set or a ledger's key; nothing else is trusted")
    return trust


def asked_for(arguments: argparse.Namespace, trust: Trust) -> Asked:
    """Read the options that say what else is to be checked."""
    asked = read_asked(arguments.partners, arguments.subject, arguments.salt)
    leaf: Path | None = arguments.leaf
    beside = arguments.file.with_name(f"{arguments.file.stem}.leaf.json")
    if leaf is None and arguments.file.suffix == ".tlog-proof" and beside.exists():
        leaf = beside
    return replace(
        asked,
        ledger=arguments.ledger,
        cases=arguments.cases,
        belongs=arguments.belongs,
        leaf=leaf,
        since=None if arguments.since is None else read_since(arguments.since, trust),
        hashes=None if arguments.consistency is None else read_hashes(arguments.consistency),
    )


# Options: name, how often or of what type, what stands for its value, and what it is for.
OPTIONS: tuple[tuple[str, Any, str, str], ...] = (
    ("--trust", "append", "JWKS", "JWK Set with the trusted keys, or a ledger's key; repeatable"),
    ("--origin", str, "NAME", "the name that the ledger must have"),
    ("--since", Path, "OLD", "a file with an earlier checkpoint, from which this must go on"),
    ("--consistency", Path, "PROOF", "the proof from there, where the file is no bundle"),
    ("--leaf", Path, "LEAF", "what a proof is about; else the file beside it, .leaf.json"),
    ("--witness", "append", "VKEY", "a witness's key; repeatable"),
    ("--quorum", int, "N", "how many of them must have cosigned; else all"),
    ("--policy", Path, "FILE", "ledgers, witnesses and the quorum (C2SP tlog-policy)"),
    ("--ledger", Path, "BUNDLE", "the bundle with which a certificate must agree"),
    ("--cases", Path, "LIST", "the ids of a mass case's cases, one a line, ascending"),
    ("--belongs", Path, "PROOF", "the proof that a case is one of a mass case's"),
    ("--partners", Path, "KEYS", "recipients' JWK Sets, a folder or one file"),
    ("--subject", str, "ID", "the person it must be about; with --salt"),
    ("--salt", str, "SALT", "the salt that came with the case"),
)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    command = argparse.ArgumentParser(
        prog="gateway-verify",
        description="Check a ledger bundle, a certificate, a proof or a checkpoint against keys "
        "that you trust.",
        epilog="Exit code 0: it verifies. 1: it does not. 2: wrong use or another kind of file.",
    )
    command.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="bundle, certificate, .tlog-proof or checkpoint; .gz is gzip",
    )
    for name, kind, value, what in OPTIONS:
        if kind == "append":
            command.add_argument(name, action="append", default=[], metavar=value, help=what)
        else:
            command.add_argument(name, type=kind, metavar=value, help=what)
    command.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return command


def show_progress(done: int, of: int | None = None) -> None:
    """Say how far it is, now and then, where somebody watches."""
    if done % 20_000 == 0 and sys.stderr.isatty():
        rest = "" if of is None else f"of {of:,} "
        print(f"\r{done:,} {rest}leaves ", end="", file=sys.stderr, flush=True)


def refuted_text(path: Path, wrong: Refuted) -> str:
    """Say in words why a file does not verify."""
    places = {"line": wrong.line, "leaf": wrong.leaf}
    where = "".join(f"{name} {at}: " for name, at in places.items() if at is not None)
    return f"{path} DOES NOT VERIFY\n  {where}{wrong}"


def head_text(arguments: argparse.Namespace, found: dict[str, Any]) -> list[str]:
    """Say in words what the checkpoint says, and who signed it."""
    required = "as required" if found["origin_expected"] else "give --origin to require one"
    rows = [
        f"{arguments.file} VERIFIES",
        f"  ledger    {found['origin']!a} ({required})",
        f"  size      {found['size']:,} leaves",
        *begins_text(found),
        f"  root      {found['root']}",
        f"  signed by {', '.join(map(ascii, found['signed_by']))}, as {whose(arguments)} trusts",
    ]
    for name, at in found.get("cosigned_by", {}).items():
        rows.append(f"  cosigned  by {name!a} at {moment(at)}")
    if "since" in found:
        signed = ", ".join(map(ascii, found["since"]["signed_by"]))
        rows.append(f"  goes on   from {found['since']['size']:,} leaves, signed by {signed}")
    return rows


def whose(arguments: argparse.Namespace) -> str:
    """Name what says whom to trust."""
    return ", ".join([*arguments.trust, *([str(arguments.policy)] if arguments.policy else [])])


def moment(at: int) -> str:
    """Write seconds since the epoch as a time in UTC, where there is such a year."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{at} seconds since 1970"


def verified_text(arguments: argparse.Namespace, found: dict[str, Any]) -> str:
    """Say in words what was checked of a bundle, and what was found."""
    kinds = [f"  {count:>9,}  {kind}" for kind, count in found["kinds"].items()]
    return "\n".join(
        [
            *head_text(arguments, found),
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


def proof_text(arguments: argparse.Namespace, found: dict[str, Any]) -> str:
    """Say in words what a proof shows."""
    leaf = [f"  {name:<17} {value!a}" for name, value in found["leaf"].items()]
    extra = ["not checked", "  its extra data, which nothing authenticates"]
    return "\n".join(
        [
            *head_text(arguments, found),
            f"leaf {found['index']:,} of this ledger is, byte for byte,",
            *leaf,
            *(extra if found["extra_ignored"] else ()),
        ]
    )


def note_text(arguments: argparse.Namespace, found: dict[str, Any]) -> str:
    """Say in words what a checkpoint says."""
    return "\n".join(head_text(arguments, found))


def begins_text(found: dict[str, Any]) -> list[str]:
    """Say in words with which leaf a bundle begins, if not with the first."""
    if "start" not in found:
        return []
    signed = ", ".join(map(ascii, found["start_signed_by"])) or "nobody here: compare it with yours"
    return [
        f"  goes on   from {found['start']:,} leaves that are not in the file, whose root is",
        f"            {found['start_root']}",
        f"            signed by {signed}",
    ]


def certificate_text(arguments: argparse.Namespace, found: dict[str, Any]) -> str:
    """Say in words what a certificate says, and what of it was checked."""
    said = [(name, found[name]) for name in found if name not in ("verified", "format", "notices")]
    rows = [f"  {name:<16}  {value!a}" for name, value in said]
    for one in found["notices"]:
        word = "settled" if one["settled"] else "not settled"
        by = f"{word} by {one['evidence']!a}, {one['receipts']} receipts"
        rows.append(f"  {one['partner']!a} is {one['state']!a}, {by}")
    return "\n".join([f"{arguments.file} VERIFIES", *rows])


def mass_text(arguments: argparse.Namespace, found: dict[str, Any]) -> str:
    """Say in words what the certificate of a mass case says, and what of it was checked."""
    apart = ("verified", "format", "steps", "recipients", "cases", "scope")
    rows = [f"  {name:<16}  {value!a}" for name, value in found.items() if name not in apart]
    for name, values in found["scope"].items():
        rows.append(f"  {name:<16}  {', '.join(map(ascii, values)) or 'all'}")
    for name, value in found["cases"].items():
        rows.append(f"  {'cases ' + name:<16}  {value!a}")
    for one in found["steps"]:
        rows.append(f"  leaf {one['leaf']:,}: {one['event']!a} at {one['at']!a} by {one['by']!a}")
    for one in found["recipients"]:
        by = ", ".join(f"{count} by {name!a}" for name, count in one["evidence"].items())
        rows.append(f"  {one['partner']!a}: {one['settled']} of {one['notices']} settled, {by}")
    return "\n".join([f"{arguments.file} VERIFIES", *rows])


TEXTS = {FIRST: verified_text, SECOND: verified_text, CERTIFICATE: certificate_text}
TEXTS |= {PROOF: proof_text, NOTE: note_text, MASS: mass_text}


if __name__ == "__main__":
    sys.exit(main())
