"""One case for a terminal: how each recipient stands, and what happens next."""

from typing import Any

from gateway.cli.output import table

_HEAD = ("case", "action", "reason", "state", "accepted_at", "deadline", "closed_at")
_HEADINGS = (
    *("recipient", "state", "settled", "due", "tries", "reminded", "backups until", "reason"),
)
_WORDS = {"receipt": "by receipt", "response": "by response", "person": "by a person"}

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
    """A case as `GET /v1/cases/{id}` has it, in words and tables; what waits for a person first."""
    head = [(name, _told(value[name])) for name in _HEAD]
    head.insert(2, ("about", _about(value["scope"])))
    if "ground" in value:
        head.append(("refused on", value["ground"]))
    notices = sorted(value["notices"], key=_urgency)
    if not notices:
        nobody = "Nobody was told." if value["state"] == "refused" else "Nobody had to be told."
        return table(("", ""), head).lstrip() + f"\n\n{nobody}"
    return "\n\n".join(
        [
            table(("", ""), head).lstrip(),
            table(_HEADINGS, [_row(one) for one in notices]),
            "What happens next:\n" + "\n".join(line for one in notices for line in _coming(one)),
        ]
    )


def _about(scope: dict[str, list[str]] | None) -> str:
    """The whole person, or what of it was shared."""
    if scope is None:
        return "the whole person"
    return "; ".join(f"{name} {', '.join(ids)}" for name, ids in scope.items() if ids)


def _told(value: str | None) -> str:
    return _at(value) if value and value[10:11] == "T" else value or "—"


def _urgency(one: dict[str, Any]) -> tuple[bool, bool, str]:
    return (one["settled"], not is_task(one), one["deadline"])


def _row(one: dict[str, Any]) -> tuple[Any, ...]:
    return (
        *(one["partner"], one["state"], _settled(one), one["deadline"][:10], one["attempts"]),
        *(one["reminders"] or "", one["backups_until"] or "", one["reason"] or ""),
    )


def _settled(one: dict[str, Any]) -> str:
    """Whether, and on whose word."""
    if not one["settled"]:
        return "needs a person" if is_task(one) else "no"
    return _WORDS.get(one["evidence"] or "", "yes")


def is_task(notice: dict[str, Any]) -> bool:
    """Whether a person must do something about this notice now."""
    return bool(notice["next"]["step"] == "yours")


def _coming(one: dict[str, Any]) -> list[str]:
    where = f"  {one['partner']} {one['notice']}: "
    if is_task(one):
        # What to do is long enough for a line of its own.
        return [where.rstrip(), *(f"    {line}" for line in (next_words(one), *_known(one)))]
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
