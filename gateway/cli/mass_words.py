"""How a mass case is shown on a terminal."""

import sys
from typing import Any

from gateway.cli.output import table


def who(one: dict[str, Any]) -> str:
    """Whom a mass case means, in a word or by its bounds."""
    bounds = [*one["scope"]["partners"], *one["scope"]["purposes"]]
    return " ".join(bounds) if one["chosen"] == "scope" else " ".join([one["chosen"], *bounds])


def line(one: dict[str, Any]) -> str:
    """How far it is, in one line that the next one overwrites on a terminal."""
    done = sum(row["done"] for row in one["recipients"])
    notices = sum(row["notices"] for row in one["recipients"])
    text = (
        f"{one['state']}: {one['opened']} of {one['people']} cases opened, {done} of {notices} "
        f"notices settled, about {lasting(one['seconds'])} until all are open"
    )
    return f"\r{text:100}" if sys.stderr.isatty() else text


def shown(one: dict[str, Any]) -> str:
    """How it stands, and each recipient."""
    head = [
        (name, one[name] or "—")
        for name in ("mass", "reason", "state", "opener", "approver", "accepted_at", "starts_at")
    ]
    head += [
        ("people", f"{one['people']} ({who(one)})"),
        ("cases", f"{one['opened']} opened, {one['passed']} not needed, {one['left']} to come"),
        ("all open in", lasting(one["seconds"])),
        ("ended_at", one["ended_at"] or "—"),
    ]
    names = ("partner", "notices", "done", "open", "overdue", "failed")
    rows = [[row[name] for name in names] for row in one["recipients"]]
    recipients = table(("recipient", *names[1:]), rows) if rows else "Nobody was told yet."
    second = "\n\nA second person must approve it: `gateway case mass approve`."
    return (
        table(("", ""), head) + "\n\n" + recipients + (second if one["state"] == "proposed" else "")
    )


def foreseen(value: dict[str, Any]) -> str:
    """What it would do."""
    rows = [
        (row["partner"], row["people"], row["notices"], row["stays"] or "", row["exempt"] or "")
        for row in value["recipients"]
    ]
    second = " A second person must approve it." if value["second_person"] else ""
    headings = ("recipient", "people", "notices", "stays", "exempt")
    return (
        f"{value['people']} people, {value['notices']} notices, from {value['starts_at']} on, "
        f"{lasting(value['seconds'])} at {value['per_second']} a second.{second}\n\n"
        + (table(headings, rows) if rows else "Nobody would have to be told.")
    )


def certificate_line(claims: dict[str, Any]) -> str:
    """What its certificate says, in a line."""
    notices, settled = (
        sum(one[name] for one in claims["recipients"]) for name in ("notices", "settled")
    )
    cases = claims["cases"]
    return (
        f"mass case {claims['mass']}, {claims['action']} for {claims['reason']}, "
        f"{claims['state']}; {cases['opened'] - cases['open']} of {cases['opened']} cases over, "
        f"{settled} of {notices} notices settled"
    )


def lasting(seconds: int) -> str:
    """A time to come: `2 days 3:04:05`."""
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    clock = f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{days} days {clock}" if days else clock
