"""One case for a terminal: how each recipient stands, and what happens next."""

from typing import Any

from gateway.cli.output import table

_HEAD = ("case", "action", "reason", "state", "accepted_at", "deadline", "closed_at")
_HEADINGS = (
    *("recipient", "state", "reason", "on whose word", "settled", "tries", "reminded", "due"),
    *("backups until", "notice"),
)

_SAYS = {
    "told": "told at {at}",
    "tried-again": "tried again at {at}",
    "told-again": "told once more at {at}: a share may have arrived late",
    "asked": "asked how far it is at {at}",
    "waits": "waits until a share to it has ended",
    "reminded": "reminded at {at} if it has not said that it is done",
    "settles": "settles by itself at {at}, when its backups are cleaned",
    "over": "nothing more",
    "task": "waits for its answer",
}


def shown(value: dict[str, Any]) -> str:
    """A case as `GET /v1/cases/{id}` has it, in words and tables."""
    head = [(name, value[name] or "—") for name in _HEAD]
    notices = value["notices"]
    if not notices:
        return table(("", ""), head) + "\n\nNobody had to be told."
    return "\n\n".join(
        [
            table(("", ""), head),
            table(_HEADINGS, [_row(one) for one in notices]),
            "What happens next:\n" + "\n".join(line for one in notices for line in _coming(one)),
        ]
    )


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    return (
        *(one["partner"], one["state"], one["reason"] or "", one["evidence"] or ""),
        "yes" if one["settled"] else ("needs a person" if is_task(one) else "no"),
        *(one["attempts"], one["reminders"] or "", one["deadline"][:10]),
        *(one["backups_until"] or "", one["notice"]),
    )


def is_task(notice: dict[str, Any]) -> bool:
    """Whether a person must do something about this notice now."""
    return bool(notice["next"]["step"] == "yours")


def _coming(one: dict[str, Any]) -> list[str]:
    where = f"  {one['partner']} {one['notice']}: "
    return [where + next_words(one), *(f"    {line}" for line in _known(one))]


def next_words(notice: dict[str, Any]) -> str:
    """What happens to a notice next, in one line."""
    coming = notice["next"]
    if coming["step"] == "yours":
        again = f" (it is still tried, next at {_at(coming['at'])})" if coming["at"] else ""
        return f"yours now: {coming.get('do', 'settle it')}{again}"
    words = _SAYS[coming["step"]].format(at=_at(coming["at"]))
    task = coming["task_at"]
    return words + (f"; becomes your task at {_at(task)}" if task else "")


def _known(one: dict[str, Any]) -> list[str]:
    """What has happened so far, each time apart, and who else has the data."""
    times = (
        ("reached", one["reached_at"]),
        ("acknowledged", one["acknowledged_at"]),
        ("done", one["done_at"]),
    )
    lines = [", ".join(f"{name} {_at(at)}" for name, at in times if at)]
    if one["acknowledge_by"] and not one["acknowledged_at"] and not one["settled"]:
        lines.append(f"to be acknowledged by {_at(one['acknowledge_by'])}")
    lines += [f"passed on to {other['name']}: {other['status']}" for other in one["downstream"]]
    return [line for line in lines if line]


def _at(stamp: str | None) -> str:
    """`2026-12-07 18:07 UTC`."""
    return f"{stamp[:10]} {stamp[11:16]} UTC" if stamp else "a later moment"
