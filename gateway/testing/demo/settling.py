"""What only a person can settle, and a case that closes by itself when the last is."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.testing.demo.asking import Asked
from gateway.testing.demo.house import House
from gateway.testing.demo.tokens import claims_of, signed_by
from gateway.testing.demo.troubles import BY_HAND, KEPT_BY_LAW, REFUSING
from gateway.testing.demo.watching import Progress, follow

Resolution = Mapping[str, str]
"""For `POST /v1/notices/{id}/resolve` (contract §9)."""

_RESOLUTIONS: Mapping[str, Resolution] = {
    BY_HAND: {
        "status": "exempt",
        "reason": "the court keeps its own file, and was told by letter",
        "evidence": "letter 2026-417 to the registry, and its answer of the same day",
    },
    REFUSING: {
        "status": "exempt",
        "reason": "the law asks for it until the end of the fifth year",
        "evidence": "opinion 2026-88 of the privacy office on the refusal",
    },
}


async def tasks(house: House, asked: Asked) -> list[dict[str, Any]]:
    """Ask the command line what waits for a person, print it and compare."""
    ran = await house.command("--json", "case", "list", "--tasks")
    found: list[dict[str, Any]] = json.loads(ran.out)["tasks"] if ran.code == 0 else []
    house.screen.line("  gateway case list --tasks")
    house.screen.line()
    house.screen.table(
        ("recipient", "state", "reason", "due"),
        [
            (house.name_of(one["partner"]), one["state"], one["reason"], one["deadline"][:10])
            for one in found
        ],
    )
    house.screen.line()
    house.claims.check(
        "two wait for a person: who refused, and who takes no notices",
        {(one["partner"], one["reason"]) for one in found}
        == {(REFUSING, KEPT_BY_LAW), (BY_HAND, "manual")}
        and {one["case"] for one in found} == {asked.case},
        ", ".join(one["partner"] for one in found),
    )
    return found


async def settle(house: House, progress: Progress, found: list[dict[str, Any]]) -> None:
    """Settle what waits, one after the other, and claim that the case closes with the last."""
    early = await house.app.get(f"/v1/cases/{progress.asked.case}/certificate")
    house.claims.check(
        "as long as one is not settled there is no certificate",
        (early.status, early.code) == (409, "case-open"),
        f"{early.status} {early.code}",
    )
    states = []
    for task in sorted(found, key=lambda one: one["partner"]):
        states.append(await _state(house, progress.asked.case))
        resolution = _RESOLUTIONS[task["partner"]]
        reply = await house.desk.post(f"/v1/notices/{task['notice']}/resolve", resolution)
        if reply.status != 200:
            raise RuntimeError(f"a notice cannot be resolved: {reply.status} {reply.code}")
        house.screen.line(f"  {task['partner']}: {resolution['reason']}")
        house.screen.line(house.screen.dim(f"      {resolution['evidence']}"))
    closed = await _state(house, progress.asked.case)
    house.claims.check(
        "the case was open until a person had settled the last of these, and then closed by itself",
        bool(states) and set(states) == {"open"} and closed == "closed",
        f"{' → '.join([*states, closed])}",
    )
    await _check_events(house, progress, closed)


async def _check_events(house: House, progress: Progress, closed: str) -> None:
    """The stream, taken up where it was left, says what the case does, and ends with it."""
    shown = await _case(house, progress.asked.case)
    told = {one["notice"]: one for one in shown["notices"]}

    def said() -> bool:
        # The case tells more of a notice: its times, and what happens next.
        same = progress.notices.keys() == told.keys() and all(
            event.items() <= told[id].items() for id, event in progress.notices.items()
        )
        return same and progress.state == shown["state"]

    same = await follow(progress, lambda: said() and (progress.ended or closed != "closed"))
    ids = [event.id for event in progress.events]
    house.claims.check(
        "the events, each sent once, say the same as the case",
        same and ids == sorted(set(ids)),
        f"{len(ids)} events, in a stream that was left and taken up again",
    )


async def check_settled(house: House, asked: Asked) -> None:
    """Claim that every notice is settled by its recipient's own signature, or by a person."""
    reply = await house.app.get(f"/v1/cases/{asked.case}/certificate?interim=true")
    said = claims_of(reply.body.decode()) if reply.status == 200 else {"notices": []}
    house.claims.none_of(
        "every notice is settled: by a receipt that its recipient signed, or by a person",
        list(unsettled(house, said)),
        len(said["notices"]),
        "notices, " + " and ".join(_words(said)),
    )


def _words(said: Mapping[str, Any]) -> Iterator[str]:
    for word in ("receipt", "person"):
        yield f"{sum(one['evidence'] == word for one in said['notices'])} by {word}"


def unsettled(house: House, said: Mapping[str, Any]) -> Iterator[str]:
    """Notices of a certificate that nothing settles, and why; receipts verified here."""
    for notice in said["notices"]:
        partner = notice["partner"]
        if not notice["settled"]:
            answers = house.everybody[partner].fake.notices.receipts
            codes = {f"{one.http_status}" for one in answers if one.notice == notice["notice"]}
            said_of = f", its receipt was answered {', '.join(sorted(codes))}" if codes else ""
            yield f"{partner} is {notice['state']}{said_of}"
        elif notice["evidence"] == "receipt" and not _signed(house, notice, said["iss"]):
            yield f"{partner}: no receipt by its own key says {notice['state']}"
        elif notice["evidence"] not in ("receipt", "person"):
            yield f"{partner}: settled by nobody"


def _signed(house: House, notice: Mapping[str, Any], issuer: str) -> bool:
    """Whether a receipt by the recipient's own key says what the notice's state is."""
    key = house.everybody[notice["partner"]].fake.keys.signature
    wanted = (notice["partner"], issuer, notice["notice"], notice["state"])
    return any(
        signed_by(token, key)
        and tuple(claims_of(token)[name] for name in ("iss", "aud", "notice", "status")) == wanted
        for token in notice["receipts"]
    )


async def _state(house: House, case: str) -> str:
    return str((await _case(house, case))["state"])


async def _case(house: House, case: str) -> dict[str, Any]:
    reply = await house.app.get(f"/v1/cases/{case}")
    if reply.status != 200:
        raise RuntimeError(f"the case cannot be read: {reply.status} {reply.code}")
    shown: dict[str, Any] = reply.json()
    return shown
