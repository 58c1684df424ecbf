"""Signed notes: what opens, and what must not."""

from base64 import b64decode, b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.ledger.note import (
    KeyType,
    NoteInvalid,
    SignedNote,
    Verifier,
    cosignature_time,
    key_id,
    open_note,
    sign_note,
)
from tests.unit.ledger.builders import KEY, ORIGIN, OTHER_KEY, VERIFIER, vectors

TEXT = "gateway.example/ledger\nsome text\n"


def published() -> Any:
    """The published notes and keys."""
    return vectors("signed-note/notes.json")


def trusted(case: Any) -> list[Verifier]:
    """The keys that a published case trusts."""
    return [Verifier.parse(vkey) for vkey in case["trusted"]]


def line(name: str, blob: bytes) -> str:
    """A signature line."""
    return f"\u2014 {name} {b64encode(blob).decode()}\n"


@pytest.mark.parametrize("vkey", published()["vkey_ok"])
def test_published_keys_are_read_and_written(vkey: str) -> None:
    """Verifier keys of others are read and written again letter by letter."""
    assert str(Verifier.parse(vkey)) == vkey


@pytest.mark.parametrize("case", published()["vkey_bad"], ids=lambda case: case["why"])
def test_published_bad_keys_are_refused(case: Any) -> None:
    """A verifier key with a wrong length, type, id or form is not trusted."""
    with pytest.raises(NoteInvalid):
        Verifier.parse(case["vkey"])


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann",
        "\ud800+00000000+AQ==",
        "",
    ],
)
def test_malformed_keys_are_refused(vkey: str) -> None:
    """A verifier key whose id or name is wrong is refused."""
    with pytest.raises(NoteInvalid):
        Verifier.parse(vkey)


def test_the_published_signing_key_makes_the_published_note() -> None:
    """Signing the published text with the published key gives the published note, byte by byte."""
    case = published()["signing_key"]
    blob = b64decode(case["value"].split("+", 4)[4])
    key = Ed25519PrivateKey.from_private_bytes(blob[1:])

    assert blob[0] == KeyType.ED25519
    assert sign_note(case["text"], "PeterNeumann", key) == case["signed"]


@pytest.mark.parametrize("number", range(3))
def test_published_notes_open(number: int) -> None:
    """Notes of others open with the keys that signed them; lines of unknown keys are ignored."""
    case = published()["open_ok"][number]
    opened = open_note(case["note"], trusted(case))

    assert [verifier.name for verifier in opened.verified] == case["verified"]
    assert [signature.name for signature in opened.ignored] == case["ignored"]
    assert case["note"].startswith(opened.text)


@pytest.mark.parametrize("case", published()["open_fail"], ids=lambda case: case["name"])
def test_published_bad_notes_do_not_open(case: Any) -> None:
    """Every published bad note is refused."""
    with pytest.raises(NoteInvalid):
        open_note(case["note"], trusted(case))


def test_a_note_is_utf_8() -> None:
    """A note that is not UTF-8, or no Unicode at all, does not open."""
    case = published()["open_ok"][0]

    assert open_note(case["note"].encode(), trusted(case)).verified
    for wrong in (bytes.fromhex(published()["invalid_utf8_note_hex"]), "\ud800" + case["note"]):
        with pytest.raises(NoteInvalid, match="UTF-8"):
            open_note(wrong, trusted(case))


def test_what_was_signed_opens_again() -> None:
    """A note signed by the gateway opens with its public key and names it."""
    opened = open_note(sign_note(TEXT, ORIGIN, KEY), [VERIFIER])

    assert (opened.text, opened.verified, opened.ignored) == (TEXT, (VERIFIER,), ())


def test_an_unknown_key_neither_helps_nor_harms() -> None:
    """A line of an unknown key, even a nonsensical one, changes nothing beside a good signature."""
    note = sign_note(TEXT, ORIGIN, KEY)
    stranger = line("stranger.example", b"\0\0\0\1 no signature")

    assert open_note(note + stranger, [VERIFIER]).ignored[0].name == "stranger.example"
    with pytest.raises(NoteInvalid, match="no trusted key"):
        open_note(f"{TEXT}\n{stranger}", [VERIFIER])
    with pytest.raises(NoteInvalid, match="no trusted key"):
        open_note(note, [])


def test_a_known_key_that_fails_spoils_the_note() -> None:
    """One wrong signature of a trusted key rejects a note that another trusted key signed well."""
    other = Verifier("other.example", OTHER_KEY.public_key())
    note = sign_note(TEXT, ORIGIN, KEY)
    forged = line(other.name, other.key_id + bytes(64))

    with pytest.raises(NoteInvalid, match="does not verify"):
        open_note(note + forged, [VERIFIER, other])
    with pytest.raises(NoteInvalid, match="does not verify"):
        open_note(note + line(ORIGIN, VERIFIER.key_id + bytes(64)), [VERIFIER])


@pytest.mark.parametrize(("count", "opens"), [(16, True), (100, True), (101, False)])
def test_many_signatures_are_accepted(count: int, opens: bool) -> None:
    """Up to 100 signature lines are read, more are refused."""
    strangers = "".join(line(f"s{n}.example", bytes(68)) for n in range(count - 1))
    note = sign_note(TEXT, ORIGIN, KEY) + strangers

    if opens:
        assert len(open_note(note, [VERIFIER]).ignored) == count - 1
    else:
        with pytest.raises(NoteInvalid, match="at most 100"):
            open_note(note, [VERIFIER])


@pytest.mark.parametrize(
    "block",
    [
        "- dash.example AAAAAAA=\n",
        "\u2014 two words AAAAAAA=\n",
        "\u2014 a+b AAAAAAA=\n",
        "\u2014 nothing.example \n",
        "\u2014 nothing.example\n",
        "\u2014  AAAAAAA=\n",
        "\u2014 wide\u3000space.example AAAAAAA=\n",
        "\u2014 short.example AAAAAA==\n",
        "\u2014 stray.example AAAAAAB=\n",
        "\u2014 unpadded.example AAAAAAA\n",
        "\u2014 url.example AAAA_AA=\n",
        "\n",
    ],
)
def test_a_malformed_signature_line_spoils_the_note(block: str) -> None:
    """A line that is no signature line is refused, also beside a good one."""
    with pytest.raises(NoteInvalid):
        SignedNote.parse(sign_note(TEXT, ORIGIN, KEY) + block)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("no line feed", ORIGIN),
        ("tab\there\n", ORIGIN),
        ("lone \ud800\n", ORIGIN),
        (TEXT, "two words"),
        (TEXT, "a+b"),
        (TEXT, ""),
    ],
)
def test_what_could_not_be_opened_is_not_signed(text: str, name: str) -> None:
    """The gateway signs no note that a reader would refuse."""
    with pytest.raises(NoteInvalid):
        sign_note(text, name, KEY)


def test_two_keys_of_one_id_are_refused() -> None:
    """Where a line could mean two trusted keys, nothing opens."""

    class Twin(Verifier):
        @property
        def key_id(self) -> bytes:
            return VERIFIER.key_id

    twin = Twin(ORIGIN, OTHER_KEY.public_key())
    note = sign_note(TEXT, ORIGIN, KEY)

    assert open_note(note, [VERIFIER, VERIFIER]).verified == (VERIFIER,)
    with pytest.raises(NoteInvalid, match="the same id"):
        open_note(note, [VERIFIER, twin])


def test_key_ids_follow_the_published_rule() -> None:
    """A key's id is made of name, type and key, so a key under another name is another key."""
    raw = KEY.public_key().public_bytes_raw()

    assert published()["key_id_rule"] == "SHA-256(name || 0x0A || type || public key)[:4]"
    assert len({key_id(ORIGIN, raw), key_id("x", raw), key_id(ORIGIN, raw, 4)}) == 3


@pytest.mark.parametrize("number", range(3))
def test_published_cosignatures_have_their_time(number: int) -> None:
    """The time in a witness's cosignature is read, and a blob without one refused."""
    case = published()["cosignature_timestamp"][number]
    try:
        blob = b64decode(case["base64"], validate=True)
    except ValueError:
        blob = b""

    if "unix" in case:
        assert cosignature_time(blob[4:]) == case["unix"]
    else:
        with pytest.raises(NoteInvalid):
            cosignature_time(blob[4:])


def test_a_cosignature_covers_its_time() -> None:
    """A witness's signature verifies with the time it was made at, and with no other."""
    witness = Verifier("witness.example", OTHER_KEY.public_key(), KeyType.COSIGNATURE)
    signed = OTHER_KEY.sign(b"cosignature/v1\ntime 1727964367\n" + TEXT.encode())
    blobs = [witness.key_id + at.to_bytes(8, "big") + signed for at in (1727964367, 1727964368, 0)]
    note = sign_note(TEXT, ORIGIN, KEY)

    good, later, never = (note + line(witness.name, blob) for blob in blobs)
    assert open_note(good, [VERIFIER, witness]).verified == (VERIFIER, witness)
    for wrong in (later, never):
        with pytest.raises(NoteInvalid):
            open_note(wrong, [VERIFIER, witness])
