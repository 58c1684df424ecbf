"""
What is handed on of one decision about many people: a certificate that outsiders check,
the list of its cases, and the proof that one of them is part of it (K3, S4a, R3).
"""

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from jwcrypto import jwk, jws

from gateway import verifier
from gateway.cli import cli
from gateway.flows import mass_certificates
from gateway.stores.sqlite.statements import migrations
from tests.cases.forging import SILENT, b64, ed25519
from tests.cases.house import CaseHouse
from tests.cases.masses import SLOW, SWIFT, OpenHouse, carried, decided, listed, opened, shared
from tests.cases.outside import Outside
from tests.marks import promise


async def certificate(house: CaseHouse, id: str, query: str = "") -> Any:
    """`GET …/certificate`, with a checkpoint over everything."""
    await house.sequenced()
    return await house.ask("GET", f"/v1/mass-cases/{id}/certificate{query}")


def claims_of(token: str, keys: bytes) -> dict[str, Any]:
    """What it says, by a library that is not ours. Raises where it was changed."""
    signed = jws.JWS()
    signed.deserialize(token)
    kid = json.loads(signed.objects["protected"])["kid"]
    signed.verify(jwk.JWKSet.from_json(keys.decode()).get_key(kid), alg="EdDSA")
    found: dict[str, Any] = json.loads(signed.payload)
    return found


@promise("K3")
async def test_what_one_decision_came_to_is_certified(
    open_house: OpenHouse, tmp_path: Path
) -> None:
    """
    Everybody is erased, by two people's word. While a recipient is silent there is an
    interim certificate and no other. Then there is one that names who decided and counts
    what every recipient signed; it agrees with the ledger leaf by leaf, and whatever is
    changed in it or in the list of its cases is found, with whatever key it is signed.
    """
    house = await open_house(second_person_above="2")
    await shared(house, 4, slow=2)
    exempt = {"partner": SLOW, "reason": "law", "evidence": "file 7"}
    small = (await listed(house, ["u-3"])).json()["mass"]
    await carried(house, small)
    found = await opened(house, everybody=True, exempt=[exempt])
    house.recipients[SWIFT].notices.plan = SILENT
    id = found["mass"]
    early = [
        await certificate(house, id),
        await house.ask("GET", f"/v1/mass-cases/{id}/cases"),
    ]
    assert (await decided(house, id, "approve", by="li.wei")).status == 200
    await carried(house, id, until="opened")
    waiting = await certificate(house, id)
    interim = await certificate(house, id, "?interim=true")
    for one in await notices(house, id):
        if one["partner"] == SWIFT:
            # A day, or a time on it: what is certified is the day.
            more = {"backups_until": "2020-01-31T10:00:00Z"}
            token = house.signed(house.recipients[SWIFT], one["notice"], "completed", **more)
            assert (await house.receipt(token)).status == 200
    await carried(house, id)
    keys = (await house.public("/.well-known/jwks.json")).body
    good = (await certificate(house, id)).body.decode()
    page = (await certificate(house, id, "?format=html")).body.decode()
    ids = (await house.ask("GET", f"/v1/mass-cases/{id}/cases")).body.decode()
    said, open_then = claims_of(good, keys), claims_of(interim.body.decode(), keys)

    assert [(one.status, one.code) for one in (*early, waiting)] == [(409, "case-open")] * 3
    assert "3 of its cases are open" in waiting.json()["detail"]
    assert (open_then["interim"], open_then["cases"]["open"]) == (True, 3)
    assert "interim" not in said
    assert (said["opener"], said["approver"]) == (found["opener"], "li.wei")
    assert [(one["event"], one["by"]) for one in said["steps"]] == [
        ("proposed", found["opener"]),
        ("approved", "li.wei"),
        ("started", None),
        ("opened", None),
        ("closed", None),
    ]
    assert [(row["partner"], row["states"], row["evidence"]) for row in said["recipients"]] == [
        (SLOW, {"exempt": 2}, {"receipt": 0, "response": 0, "person": 0}),
        (SWIFT, {"completed": 3}, {"receipt": 3, "response": 0, "person": 0}),
    ]
    assert ids.splitlines() == sorted(one["case"] for one in await cases_of(house, id))
    assert open_then["cases"]["root"] == said["cases"]["root"]
    assert not re.search(r"u-\d", good + page + json.dumps(said) + ids)

    seen = numbers(page)
    for row in said["recipients"]:
        assert seen[row["partner"]][:3] == [row[name] for name in NUMBERS]
    assert seen["Opened"] == [3]
    assert good in page

    outside = await Outside.of(house, tmp_path, ids)
    await checked(house, outside, good, interim.body.decode(), small)


NUMBERS = ("notices", "settled", "unsettled")


def numbers(page: str) -> dict[str, list[int]]:
    """The numbers of each row of the page, by the row's id or first word."""
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", page):
        name = re.search(r'<th scope="row">(?:.*<code>)?([\w-]+)', row)
        if name:
            cells = re.findall(r'<td class="number">([\d,]+)</td>', row)
            found[name[1]] = [int(one.replace(",", "")) for one in cells]
    return found


async def cases_of(house: CaseHouse, id: str) -> list[dict[str, Any]]:
    """The cases of a mass case, by their leaves."""
    return [one for one in await house.leaves("case") if one.get("mass") == id]


async def notices(house: CaseHouse, id: str) -> list[dict[str, Any]]:
    """The notices of its cases."""
    return [
        notice
        for one in await cases_of(house, id)
        for notice in (await house.case(one["case"]))["notices"]
    ]


async def checked(
    house: CaseHouse, outside: Outside, good: str, interim: str, another: str
) -> None:
    """An outsider checks the certificates, the list and a proof; and every lie about them."""
    head, body, mark = good.split(".")
    sign = ed25519(house.gateway.keys.signing("certificate").private_jwk)
    both = {"cases": "cases", "ledger": "whole"}

    def lying(change: Callable[[dict[str, Any]], Any]) -> str:
        said = json.loads(verifier.unbase64url(body))
        change(said)
        return sign(f"{head}.{b64(said)}")

    for token, final in ((good, True), (interim, False)):
        found = outside.verdict(token, **both)
        assert isinstance(found, dict), found
        assert (found["said_by_leaves"], found["interim"]) == (True, not final)
    for name, change in LIES.items():
        assert isinstance(outside.verdict(lying(change), **both), str), name
    unsigned = f"{head}.{b64(json.loads(verifier.unbase64url(body)) | {'people': 5})}.{mark}"
    assert "signature" in str(outside.verdict(unsigned))
    pruned = outside.verdict(good, cases="cases", ledger="pruned")
    assert isinstance(pruned, dict), pruned
    assert pruned["not_found"] > 0

    ids = (outside.folder / "cases").read_text().splitlines()
    (other,) = [one["case"] for one in await cases_of(house, another)]
    exchanged = sorted([*ids[:-1], other])
    for name, some in (("less", ids[:-1]), ("other", exchanged), ("twice", [ids[0], *ids])):
        (outside.folder / name).write_text("".join(f"{one}\n" for one in some))
        assert "list" in str(outside.verdict(good, cases=name)), name
    # Even where the gateway's own key signs for the list in which a case was exchanged.
    root = {"root": tree_root(exchanged)}
    forged = lying(lambda said: said["cases"].update(root))
    assert isinstance(outside.verdict(forged, cases="other"), dict)
    assert "case" in str(outside.verdict(forged, cases="other", ledger="whole"))
    await shown_to_belong(house, outside, good, ids[1], other)


async def shown_to_belong(
    house: CaseHouse, outside: Outside, good: str, case: str, other: str
) -> None:
    """One case is shown to be part of it without the list; of another there is no proof."""
    id = json.loads(verifier.unbase64url(good.split(".")[1]))["mass"]
    reply = await house.ask("GET", f"/v1/mass-cases/{id}/cases/{case}")
    none = await house.ask("GET", f"/v1/mass-cases/{id}/cases/{other}")
    (outside.folder / "proof").write_bytes(reply.body)
    (outside.folder / "forged").write_text(json.dumps(reply.json() | {"case": other}))
    (outside.folder / "moved").write_text(json.dumps(reply.json() | {"index": 0}))
    found = outside.verdict(good, belongs="proof")

    assert isinstance(found, dict), found
    assert (found["belongs"], none.status, none.code) == (case, 404, "not-found")
    for lie in ("forged", "moved"):
        assert "leads to another root" in str(outside.verdict(good, belongs=lie))


def tree_root(ids: list[str]) -> str:
    """The root over a list."""
    tree = verifier.Tree()
    for one in ids:
        tree.add(verifier.sha256(b"\x00", one.encode()))
    return tree.root().hex()


def _moved(said: dict[str, Any]) -> None:
    said["recipients"][1].update(
        states={"exempt": 3}, evidence={"receipt": 0, "response": 0, "person": 0}
    )


LIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another action": lambda said: said.update(action="restrict"),
    "another reason": lambda said: said.update(reason="account-closed"),
    "approved by another": lambda said: said["steps"][1].update(by="chen.yu"),
    "approved at another time": lambda said: said["steps"][1].update(at="2020-01-01T00:00:00.000Z"),
    "never approved": lambda said: said["steps"].pop(1),
    "a step that there was not": lambda said: said["steps"].append(said["steps"][0] | {"leaf": 0}),
    "other people": lambda said: said.update(people=9),
    "a case that was refused": lambda said: said["cases"].update(closed=2, refused=1),
    "another root": lambda said: said["cases"].update(root="0" * 64),
    "nobody had to sign": _moved,
    "signed by nobody but a person of ours": lambda said: said["recipients"][1].update(
        evidence={"receipt": 0, "response": 0, "person": 3}
    ),
    "gone from backups before": lambda said: said["recipients"][1].update(backups_until=None),
    "a recipient is left out": lambda said: said["recipients"].pop(),
    "a recipient more": lambda said: said["recipients"].append(
        said["recipients"][1] | {"partner": "third-parcel"}
    ),
}


async def test_the_command_hands_on_what_the_gateway_does(
    open_house: OpenHouse, tmp_path: Path
) -> None:
    """
    Page by page, with the gateway stopped, and of a database of before this was kept, the
    commands give the same certificate, list and proof. One that was cancelled is final at once. Who need not be told is given in a
    file, and half a file or one of another form is refused.
    """
    house = await open_house()
    await shared(house, 3, slow=1)
    first = (await opened(house, scope={"partners": [SWIFT]}))["mass"]
    await carried(house, first)
    body = {"reason": "service-ended", "scope": {"partners": [SWIFT]}}
    second = (await opened(house, **body, announced_at=house.clock().isoformat()))["mass"]
    assert (await decided(house, second, "cancel")).status == 200
    cancelled = await certificate(house, second)
    none = await house.ask("GET", f"/v1/mass-cases/{second}/cases")
    keys = (await house.public("/.well-known/jwks.json")).body
    said = claims_of((await certificate(house, first)).body.decode(), keys)
    await house.stop()
    of_before(house.folder / "data" / "gateway.db")
    small = mass_certificates.PAGE, mass_certificates.IDS
    mass_certificates.PAGE, mass_certificates.IDS = 1, 2
    try:
        token = await command(house, "mass", "certificate", first)
        ids = await command(house, "mass", "cases", first)
        proof = json.loads(await command(house, "mass", "proof", first, ids.split()[2]))
    finally:
        mass_certificates.PAGE, mass_certificates.IDS = small
    (tmp_path / "mass.jws").write_text(token)
    verified = await command(house, "verify", str(tmp_path / "mass.jws"))
    rows, refused = await exempted(house, tmp_path / "exempt.json")
    await house.start()

    now = json.loads(verifier.unbase64url(token.split(".")[1]))
    assert [now[name] for name in ("cases", "recipients", "steps")] == [
        said[name] for name in ("cases", "recipients", "steps")
    ]
    assert (tree_root(ids.split()), len(ids.split())) == (said["cases"]["root"], 3)
    assert (proof["index"], proof["size"]) == (2, 3)
    assert "3 of 3 cases over, 3 of 3 notices settled" in verified
    assert (cancelled.status, none.status, none.body) == (200, 200, b"")
    assert (rows[SLOW]["exempt"], rows[SLOW]["stays"], rows[SWIFT]["exempt"]) == ("law", 1, None)
    assert refused == [2, 2, 2]


def of_before(database: Path) -> None:
    """As the version without certificates of mass cases had it, and then as it is upgraded."""
    upgrade = dict(migrations())[21]
    with closing(sqlite3.connect(database)) as db:
        db.executescript(f"DROP TABLE mass_step; {upgrade}")


async def exempted(house: CaseHouse, file: Path) -> tuple[dict[str, Any], list[int]]:
    """A preview with `--exempt`, by recipient; how files that are none end."""
    ask = ("mass", "open", "--everybody", "--reason", "unlawful", "--reference", "minute 7")
    ask = (*ask, "--preview", "--exempt", str(file))
    row = {"partner": SLOW, "reason": "law", "evidence": "file 7", "until": "2027-01-01T00:00:00Z"}
    file.write_text(json.dumps([row]))
    told = json.loads(await command(house, *ask, as_json=True))
    refused = []
    for text in ("{}", "["):
        file.write_text(text)
        refused.append(await asyncio.to_thread(invoked, house, *ask))
    refused.append(await asyncio.to_thread(invoked, house, *ask[:-1], "-", "--subjects", "-"))
    return {one["partner"]: one for one in told["recipients"]}, [one.exit_code for one in refused]


def invoked(house: CaseHouse, *words: str, as_json: bool = False) -> Any:
    """`gateway case …`."""
    given = ["--home", str(house.folder), *(["--json"] if as_json else []), "case", *words]
    return CliRunner().invoke(cli, given)


async def command(house: CaseHouse, *words: str, as_json: bool = False) -> str:
    """What it prints."""
    done = await asyncio.to_thread(invoked, house, *words, as_json=as_json)
    assert done.exit_code == 0, done.output
    text: str = done.stdout
    return text
