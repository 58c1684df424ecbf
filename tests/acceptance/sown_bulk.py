"""Many records at once, with marks in each: carried, refused, broken, and failed as a batch."""

import gzip
import json
from typing import Any

from gateway.testing.behaviour import Answer, Silence
from tests.acceptance.sowing import Marks
from tests.acceptance.sown_home import COURIER, Sown

PATH = "/v2/batch"
NDJSON = {"Content-Type": "application/x-ndjson"}


def record(marks: Marks, name: str, **more: Any) -> dict[str, Any]:
    """One record: what leaves, what is sealed, what is dropped."""
    return {
        "account": marks.text(f"{name}: account of a record, pseudonym"),
        "address": marks.text(f"{name}: address of a record", leaves=True),
        "phone": marks.phone(f"{name}: phone of a record, sealed"),
        marks.word(f"{name}: undeclared key of a record"): marks.text(
            f"{name}: under it in a record"
        ),
        **more,
    }


async def many_at_once(s: Sown) -> None:
    """Batches that are carried, with lines that are none, and one that fails."""
    marks, courier = s.marks, s.partners[COURIER]
    courier.respond = lambda received: {
        "id": marks.text(f"reference of a record {len(marks.all)}", shown=False),
        marks.word(f"undeclared key of a batch's answer {len(marks.all)}"): "x",
    }
    broken = marks.text("a line that is none").encode()
    nobody = record(marks, "nobody", account=None)
    lines = [record(marks, "first"), broken, nobody, record(marks, "second")]
    assert await statuses(s, lines) == [200, 400, 400, 200]
    courier.script.next(Answer(status=500, data={"x": marks.text("a failed batch's answer")}))
    assert await statuses(s, [record(marks, "failed")]) == [500]
    courier.script.next(Silence())
    assert await statuses(s, [record(marks, "timed out")]) == [504]
    courier.respond = lambda received: Answer(data={})


async def statuses(s: Sown, lines: list[Any]) -> list[int]:
    """What becomes of these lines, sent compressed."""
    body = b"\n".join(x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines)
    headers = NDJSON | {"Content-Encoding": "gzip"}
    reply = await s.carried(COURIER, PATH, gzip.compress(body), headers=headers)
    return [json.loads(line)["status"] for line in reply.body.splitlines()]
