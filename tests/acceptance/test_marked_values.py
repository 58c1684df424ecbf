"""
No value that comes in is ever written in the clear (P2).

Marked values are sown into everything that the gateway is given, shares are
carried, refused, cut and crashed, and then everything that the process wrote is
searched for the marks: as they are, escaped for JSON, percent-encoded, in
base64, hex and UTF-16. Only sealed forms, and what goes to the app or to a
recipient itself, may hold them.
"""

from pathlib import Path

from gateway.testing.search import Needles, search_bytes, search_tree, variants
from tests.acceptance.sowing import Marks, Written
from tests.acceptance.sown_bulk import many_at_once
from tests.acceptance.sown_cases import corrected, exempted, told_of_deletions, wrong_cases
from tests.acceptance.sown_home import COURIER, Sown, sown
from tests.acceptance.sown_shares import (
    broken_documents,
    carried_shares,
    crash,
    failing_recipients,
    named,
    on_consent_and_demand,
    raw_answers,
    refused_shares,
    shares_for_later,
    shipment,
    target,
)
from tests.acceptance.sown_words import lost_on_the_way, told_about_people, wrongly_told
from tests.marks import promise


def wire(s: Sown) -> bytes:
    """Everything that recipients received, as it stood on the wire."""
    parts: list[bytes] = []
    for partner in s.partners.values():
        requests = [one.request for one in partner.received] + [r.request for r in partner.refused]
        for request in requests:
            heads = "".join(f"{name}: {value}\n" for name, value in request.headers.items())
            parts += [request.target.encode(), heads.encode(), request.body]
    return b"\n\n".join(parts)


def made_of_marks(s: Sown) -> None:
    """Look also for what the gateway made of people: pseudonyms, hashes, tokens, grants."""
    seen: set[str] = set()
    for partner in s.partners.values():
        for one in partner.received:
            values = [one.claims.get("sub"), one.request.headers["Sharing-Grant"].split(".")[2]]
            if "/v2/plain" in one.request.target:
                values += [one.document["phone"], one.document["device"]["id"]]
            seen |= {value for value in values if value}
    for number, value in enumerate(sorted(seen)):
        s.marks.derived(f"made by the gateway {number}", value)


@promise("P1", "P2")
async def test_what_is_shared_is_written_nowhere_in_the_clear(tmp_path: Path) -> None:
    """
    Whatever becomes of a share, nothing of what came in or came back stands in a
    log, the database, the ledger, a metric, a temporary file or a problem; what
    is dropped or sealed is not on the wire either.
    """
    marks = Marks(seed=1)
    async with sown(tmp_path, marks, raw_answers=raw_answers(marks)) as s:
        await carried_shares(s)
        await many_at_once(s)
        await on_consent_and_demand(s)
        await refused_shares(s)
        await failing_recipients(s)
        await shares_for_later(s)
        await crash(s)
        await broken_documents(s)
        ask = (COURIER, target(marks, "last"), shipment(marks, "last"))
        last = await s.carried(*ask, **named(marks, "last"))
        await s.written.told(s.app)
        await s.gateway.terminate()
        s.written.snapshot("ended")
        await s.written.command("ledger", "verify")
        await s.written.command("ledger", "prove", str(last.share))
        await s.written.command("ledger", "export", str(s.written.folder / "bundle"))
        made_of_marks(s)
        seen = wire(s)

    needles = marks.needles()
    assert s.written.search(marks, needles) == []
    assert {one.label for one in search_bytes(seen, needles)} <= marks.leaves
    opened = [one.document for one in s.partners[COURIER].received if one.document]
    phones = {body["recipient"]["phone"] for body in opened if "recipient" in body}
    assert marks.all["carried: phone, sealed"] in phones
    a_mark_that_is_written_is_found(s.written, needles, marks.all["carried: address"])


def a_mark_that_is_written_is_found(written: Written, needles: Needles, text: str) -> None:
    """The search is no blind one: a mark in a copy of the very files is found, in any form."""
    files = [path for path in written.folder.rglob("*") if path.is_file() and path.stat().st_size]
    names = {path.name for path in files}
    expected = {"stderr.txt", "stdout.txt", "gateway.db", "gateway.db-wal", "gateway.db-shm"}
    assert expected | {"gateway.run", "rows", "bundle"} <= names
    for name in ("stderr.txt", "gateway.db", "gateway.db-wal", "bundle"):
        data = next(path for path in files if path.name == name).read_bytes()
        planted = written.folder.parent / f"planted-{name}"
        for form in variants(text).values():
            planted.write_bytes(data[:20_000] + form + data[20_000:40_000])
            labels = {one.label.partition(",")[0] for one in search_tree(planted, needles)}
            assert labels == {"carried: address"}


@promise("P2", "P3")
async def test_what_is_told_or_refused_is_written_nowhere_in_the_clear(tmp_path: Path) -> None:
    """
    What a service says of people is stored sealed; what is refused, be it a body,
    a token, an address or no HTTP at all, is repeated nowhere, not even to the
    one who sent it.
    """
    marks = Marks(seed=2)
    async with sown(tmp_path, marks, raw_answers=[]) as s:
        await told_about_people(s)
        await wrongly_told(s)
        await lost_on_the_way(s)
        await s.written.told(s.app)
        s.written.snapshot("running")
        await s.gateway.terminate()
        s.written.snapshot("ended")
        await s.written.command("ledger", "export", str(s.written.folder / "bundle"))

    assert s.written.search(marks, marks.needles()) == []


@promise("P2", "A1")
async def test_what_a_deletion_is_told_is_written_nowhere_in_the_clear(tmp_path: Path) -> None:
    """
    Who is deleted, on what verification and evidence, and what recipients answer to a
    notice stands nowhere; why a notice is settled, in somebody's own words, stands in the
    store and the answers about the case, and neither in a log nor in the ledger.
    """
    marks = Marks(seed=3)
    async with sown(tmp_path, marks, raw_answers=[]) as s:
        await told_of_deletions(s)
        await corrected(s)
        await exempted(s)
        await wrong_cases(s)
        await s.written.told(s.app)
        made_of_marks(s)
        s.written.snapshot("running")
        await s.gateway.terminate()
        s.written.snapshot("ended")
        await s.written.command("ledger", "verify")
        await s.written.command("ledger", "export", str(s.written.folder / "bundle"))
        seen = b"".join(came.raw for came in s.partners[COURIER].notices.received)

    needles = marks.needles()
    assert s.written.search(marks, needles) == []
    told = {one.label for one in search_bytes(seen, needles)}
    assert {label for label in told if "reference" not in label} <= marks.leaves
    stored = {one.label for one in search_tree(s.written.folder / "data-ended", needles)}
    assert {label for label in stored if label.endswith(": reason")} == {
        label for label in marks.told if label.endswith(": reason")
    }
