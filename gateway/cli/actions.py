"""
`gateway subject erase|rectify|restrict|unrestrict` and `gateway case refuse|answer`: what a
person asks for, and what they are answered.
"""

import json
from collections.abc import Callable
from typing import IO, Any

import click

from gateway.cli.output import Output, fail, table
from gateway.cli.reach import SERVICE, reach, shaped

Command = Callable[..., None]


def _request(command: Command) -> Command:
    """The options of every request about a person."""
    options = (
        click.argument("id"),
        click.option(
            "--method",
            required=True,
            type=click.Choice(["app-session", "customer-service", "guardian", "system"]),
            help="How the person's identity was verified.",
        ),
        click.option("--reference", required=True, help="Where that verification is on record."),
        click.option(
            "--reason",
            default="user-request",
            show_default=True,
            help="Why; one that there is not is answered with those that there are.",
        ),
        click.option(
            "--partner", "partners", multiple=True, help="Only this recipient; repeatable."
        ),
        click.option("--purpose", "purposes", multiple=True, help="Only this purpose; repeatable."),
        click.option("--preview", is_flag=True, help="Show who would be told; do nothing."),
        click.pass_obj,
    )
    for option in reversed(options):
        command = option(command)
    return command


_categories = click.option(
    "--category", "categories", multiple=True, help="Only this category; repeatable."
)


@click.command()
@click.option(
    "--announced-at",
    help="When the end of the service was announced; RFC 3339, service-ended only.",
)
@click.option("--refuse", help="Refuse the request on this ground; nothing is carried out.")
@_categories
@_request
def erase(
    output: Output, id: str, refuse: str | None, announced_at: str | None, **given: Any
) -> None:
    """Erase this person, and tell everybody who got their data."""
    more = {"refuse": refuse, "announced_at": announced_at}
    said = {name: value for name, value in more.items() if value is not None}
    _opened(output, "erase", id, given, **said)


@click.command()
@click.option(
    "--changes",
    type=click.File("r", encoding="utf-8"),
    required=True,
    help="A file with the new values as one JSON object, by category or field; - reads it from "
    "standard input.",
)
@_request
def rectify(output: Output, id: str, changes: IO[str], **given: Any) -> None:
    """Correct what recipients have of this person; new values are sealed for each of them."""
    try:
        values = json.load(changes)
    except ValueError:
        # Not chained: the cause carries the text.
        values = None
    if not isinstance(values, dict):
        fail("--changes: write one JSON object, by category or field", 2)
    _opened(output, "rectify", id, given, changes=values)


@click.command()
@_categories
@_request
def restrict(output: Output, id: str, **given: Any) -> None:
    """Share nothing of this person until it is lifted, and tell everybody who got their data."""
    _opened(output, "restrict", id, given)


@click.command()
@_categories
@_request
def unrestrict(output: Output, id: str, **given: Any) -> None:
    """Lift a restriction (all of them, or that of exactly this scope), and tell whom it told."""
    _opened(output, "unrestrict", id, given)


def _opened(output: Output, action: str, id: str, given: dict[str, Any], **more: Any) -> None:
    from gateway.flows.clockwork import stamp
    from gateway.wiring import utc_now

    body: dict[str, Any] = {
        "action": action,
        "subject": id,
        "reason": given["reason"],
        "verified": {
            "method": given["method"],
            "reference": given["reference"],
            "at": stamp(utc_now()),
        },
        **more,
    }
    names = ("partners", "purposes", "categories")
    scope = {name: list(given[name]) for name in names if given.get(name)}
    if scope:
        body["scope"] = scope
    preview = given["preview"]

    async def directly(gateway: Any) -> Any:
        from gateway.flows.cases import open_once
        from gateway.flows.cases import preview as previewed
        from gateway.web.cases import CaseBody

        request = shaped(CaseBody, body).request()
        return await (previewed(gateway, request) if preview else open_once(gateway, request, None))

    value = reach(
        output.home,
        scope="case:write",
        method="POST",
        path="/v1/cases?preview=true" if preview else "/v1/cases",
        body=body,
        directly=directly,
    )
    output.result(value, _would(value) if preview else _done(value, action, body))


def _would(value: dict[str, Any]) -> str:
    """What a request would come to, nothing of which is done."""
    due = f"to be answered by {value['deadline'][:10]}; nothing is done yet"
    if value["state"] == "refused":
        return f"it would be refused, and nobody told; {due}"
    if not value["notices"]:
        return f"told would be: nobody; {due}"
    rows = [(one["partner"], one["deadline"][:10], _way(one)) for one in value["notices"]]
    return f"{table(('would be told', 'due', 'how'), rows)}\n{due}"


def _way(notice: dict[str, Any]) -> str:
    if notice["state"] == "exempt":
        return f"is not told: {notice['reason']}"
    if notice["next_at"] is None:
        return "by hand" if notice["reason"] == "manual" else "once its shares under way have ended"
    return f"by its protocol, from {notice['next_at'][:10]} on"


def _done(value: dict[str, Any], action: str, body: dict[str, Any]) -> str:
    """What was opened, and what its reader needs next."""
    case, state = value["case"], value["state"]
    due = f", to be answered by {value['deadline'][:10]}" if state == "open" else ""
    lines = [
        f"case {case} is {state}{due}",
        f"salt {value['salt']} (keep it: with it the certificate can be matched to the person)",
    ]
    if state == "refused":
        lines.append(f"refused: {body['refuse']}; nobody is told, and nothing is carried out")
        lines.append(f"`gateway case answer {case}` writes the answer to the person")
        return "\n".join(lines)
    recipients = sorted({one["partner"] for one in value["notices"]})
    lines.append(f"to be told: {', '.join(recipients) or 'nobody'}")
    if action == "restrict":
        lines.append("nothing of this is shared until `gateway subject unrestrict` lifts it")
    if state == "open":
        lines.append(f"`gateway case show {case}` says how each recipient stands")
    return "\n".join(lines)


def _untold(case: dict[str, Any]) -> str:
    tried = [one["partner"] for one in case["notices"] if one["attempts"]]
    if not tried:
        return "nobody was told of it, and nobody will be"
    names = ", ".join(dict.fromkeys(tried))
    return f"told of it before: {names}; nobody else will be"


@click.command()
@click.argument("id")
@click.option("--ground", required=True, help="One of refusal_grounds of rights.yaml.")
@click.pass_obj
def refuse(output: Output, id: str, ground: str) -> None:
    """Refuse a request on a stated ground; who was told of it already is not untold."""

    async def directly(gateway: Any) -> Any:
        from gateway.flows import refusing

        return (await refusing.refuse(gateway, id, ground, service=SERVICE)).shown()

    value = reach(
        output.home,
        scope="case:write",
        method="POST",
        path=f"/v1/cases/{id}/refuse",
        body={"ground": ground},
        directly=directly,
    )
    output.result(
        value,
        f"case {value['case']} is refused: {value['ground']}\n{_untold(value)}\n"
        f"`gateway case answer {value['case']}` writes the answer to the person",
    )


@click.command()
@click.argument("id")
@click.option("--text", is_flag=True, help="The text of a mail; else a page to print.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="One language; else both.")
@click.pass_obj
def answer(output: Output, id: str, text: bool, language: str | None) -> None:
    """The answer to the person, as their case stands; alone on standard output."""
    form = "text" if text else "html"

    async def directly(gateway: Any) -> str:
        from gateway.flows.replies import reply
        from gateway.reports.answer import answer_page, answer_text
        from gateway.reports.answer_words import LANGUAGES

        found = await reply(gateway, id)
        languages = (language,) if language else LANGUAGES
        return answer_text(found, languages) if text else answer_page(found, languages)

    query = f"format={form}" + (f"&language={language}" if language else "")
    shown = reach(
        output.home,
        scope="case:read",
        method="GET",
        path=f"/v1/cases/{id}/answer?{query}",
        directly=directly,
    )
    output.result({"case": id, "answer": shown}, shown.rstrip("\n"))
