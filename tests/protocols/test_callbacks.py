"""A recipient calls back at the address of its notice, in its protocol's own way (contract §4)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.notices.base import (
    Answered,
    CallbackRefused,
    Dialect,
    Heard,
    Interpreted,
    Request,
    Settles,
    Signed,
    Telling,
)
from gateway.notices.dialects import DIALECTS
from gateway.policy import protocols
from gateway.testing.client import Reply
from tests.counterparts.rest_partner import RestPartner
from tests.protocols.conftest import ProtocolHouse

NAME = "opendsr"


def prepare(telling: Telling) -> Request:
    """Tell it where to call back; its answer gives the word that it will prove itself with."""
    body = json.dumps({"callback": telling.callback_url, "id": telling.stable.hex()}).encode()
    headers = (("content-type", "application/json"),)
    return Request(url=f"{telling.deletion.url}/erasures", headers=headers, body=body)


def interpret(telling: Telling, answered: Answered) -> Interpreted:
    """Taken; what it said is kept for the callback."""
    job = json.loads(answered.body)["job"]["id"]
    return Interpreted(event=Heard.ATTEMPTED_OK, memory={"word": f"word-{job}"})


def hear(telling: Telling, headers: Mapping[str, str], body: bytes) -> Interpreted:
    """Believed where it knows the word."""
    said = json.loads(body)
    if said.get("word") != telling.memory.get("word"):
        raise CallbackRefused("the word is not this notice's")
    signed = Signed(id=f"{telling.notice}:{said['status']}", token=f"test:{said['status']}")
    return Interpreted(event=said["status"], signed=signed)


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A protocol with callbacks, under the name of one that manifests know."""
    dialect = Dialect(
        name=NAME,
        prepare=prepare,
        interpret=interpret,
        settles=Settles.SIGNATURE,
        remembers=True,
        hear=hear,
        heard_status=202,
    )
    monkeypatch.setitem(DIALECTS, NAME, dialect)  # type: ignore[attr-defined]
    monkeypatch.setattr(protocols, "SPOKEN", protocols.SPOKEN | {NAME})


async def called(house: ProtocolHouse, url: str, said: Mapping[str, Any]) -> Reply:
    """The recipient calls."""
    path = url.removeprefix(house.public_url)
    return await house.public(path, method="POST", body=said)


@pytest.mark.usefixtures("spoken")
async def test_a_callback_that_proves_itself_settles_its_notice(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """
    What the recipient does not prove changes nothing; what it proves settles the
    notice, is kept with the case, and may be said twice.
    """
    await house.told_by(protocol=NAME, url=f"{partner.url}/v2")
    await house.shared("LO-1")
    case = await house.opened_case()
    await house.until(case["case"], state="sent")
    url = partner.calls[0].body["callback"]
    assert url.startswith(f"{house.public_url}/callbacks/{NAME}/")
    assert len(url.rpartition("/")[2]) == 32

    wrong = await called(house, url, {"word": "word-8", "status": "completed"})
    early = await called(house, url, {"word": "word-7", "status": "in-progress"})
    done = await called(house, url, {"word": "word-7", "status": "completed"})
    again = await called(house, url, {"word": "word-7", "status": "completed"})

    assert (wrong.status, wrong.code) == (401, "token-invalid")
    assert [one.status for one in (early, done, again)] == [202] * 3
    assert early.json()["state"] == "in-progress"
    closed = await house.until_closed(case["case"])
    assert closed["notices"][0]["evidence"] == "receipt"
    receipts = await house.leaves("receipt")
    assert [leaf["status"] for leaf in receipts] == ["in-progress", "completed"]
    certificate = await house.gateway.store.case(case["case"])
    assert certificate is not None
    assert set(certificate.notices[0].receipts) == {"test:in-progress", "test:completed"}
    kept = await house.gateway.store.told(done.json()["notice"])
    assert kept is not None
    assert kept.memory is None


@pytest.mark.usefixtures("spoken")
async def test_an_address_that_is_nobodys_is_not_found(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """Another token, another protocol or no token: 404, as for any path that is not there."""
    await house.told_by(protocol=NAME, url=f"{partner.url}/v2")
    await house.shared("LO-1")
    case = await house.opened_case()
    await house.until(case["case"], state="sent")
    url = partner.calls[0].body["callback"]
    said = {"word": "word-7", "status": "completed"}
    changed = url[:-1] + ("0" if url[-1] != "0" else "1")

    wrong = [changed, url.replace(NAME, "rest"), url.replace(NAME, "x"), url + "/", url[:-1]]
    replies = [await called(house, one, said) for one in wrong]

    assert {one.status for one in replies} == {404}
    assert (await house.notice(case["case"]))["state"] == "sent"


@pytest.mark.usefixtures("spoken")
async def test_the_address_is_nowhere_on_disk(house: ProtocolHouse, partner: RestPartner) -> None:
    """Who has a copy of the data cannot call in a recipient's name."""
    await house.told_by(protocol=NAME, url=f"{partner.url}/v2")
    await house.shared("LO-1")
    case = await house.opened_case()
    await house.until(case["case"], state="sent")
    token = partner.calls[0].body["callback"].rpartition("/")[2]
    files = [path for path in (house.folder / "data").rglob("*") if path.is_file()]

    written = b"".join(path.read_bytes() for path in files)

    assert token.encode() not in written
    assert bytes.fromhex(token) not in written
    assert b"word-7" not in written
