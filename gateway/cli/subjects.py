"""`gateway subject …`: one person."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from gateway.cli.actions import erase, rectify, restrict, unrestrict
from gateway.cli.output import Output, table
from gateway.cli.reach import SERVICE, reach


@click.group()
def subject() -> None:
    """One person: who has their data, what they agreed to, what they ask for."""


subject.add_command(erase)
subject.add_command(rectify)
subject.add_command(restrict)
subject.add_command(unrestrict)


@subject.command()
@click.argument("id")
@click.option(
    "--page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to this file, as a page for the person to read.",
)
@click.option(
    "--proofs",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write into this folder, for each of them, its leaf and the proof of it.",
)
@click.pass_obj
def disclosures(output: Output, id: str, page: Path | None, proofs: Path | None) -> None:
    """Who has this person's data, which fields, why and until when."""
    from gateway.flows import people, proving

    if page is not None:
        page.write_text(account_page(output, id), encoding="utf-8")
        click.echo(f"written to {page}", err=True)
        return

    async def directly(gateway: Any) -> Any:
        rows = await people.disclosures(gateway, id, SERVICE)  # type: ignore[arg-type]
        return {"disclosures": rows if proofs is None else await proving.with_proofs(gateway, rows)}

    value = reach(
        output.home,
        scope="subject:read",
        method="GET",
        path=f"/v1/subjects/{quote(id, safe='')}/disclosures{'?proofs=true' if proofs else ''}",
        directly=directly,
    )
    if proofs is not None:
        write_proofs(proofs, value["disclosures"])
    output.result(value, disclosures_table(value["disclosures"]))


def write_proofs(folder: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write `<share>-<index>.tlog-proof` and the leaf beside it, of each row that has them."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for row in rows:
        if "proof" in row:
            name = f"{row['share']}-{row['index']}"
            (folder / f"{name}.tlog-proof").write_text(row["proof"], encoding="utf-8")
            # Exactly what is hashed: no line feed behind it.
            (folder / f"{name}.leaf.json").write_bytes(row["leaf"].encode())
            count += 1
    click.echo(f"{count} proofs in {folder}", err=True)


def account_page(output: Output, id: str) -> str:
    """The account of one person as a page."""

    async def directly(gateway: Any) -> str:
        from gateway.flows import people
        from gateway.reports.account import account_page as page

        rows = await people.disclosures(gateway, id, SERVICE)  # type: ignore[arg-type]
        return page(id, rows, gateway.policy.policy, now=gateway.clock())

    text: str = reach(
        output.home,
        scope="subject:read",
        method="GET",
        path=f"/v1/subjects/{quote(id, safe='')}/disclosures",
        accept="text/html",
        directly=directly,
    )
    return text


def disclosures_table(rows: list[dict[str, Any]]) -> str:
    """The account of one person, for a terminal."""
    if not rows:
        return "Nothing of this person was disclosed."
    headings = ("at", "recipient", "purpose", "ground", "fields", "outcome", "kept until", "leaf")
    return table(
        headings,
        [
            (
                one["at"][:19].replace("T", " "),
                one["name"],
                one["purpose"],
                one["ground"],
                " ".join(one["fields"]),
                one["outcome"] or "open",
                one["retention_until"][:10],
                "" if one["index"] is None else one["index"],
            )
            for one in rows
        ],
    )


@subject.command()
@click.argument("id")
@click.pass_obj
def consents(output: Output, id: str) -> None:
    """What this person agreed to, and what they withdrew."""
    from gateway.flows import consents as flow

    async def directly(gateway: Any) -> Any:
        return {"consents": await flow.listed(gateway, id, SERVICE)}  # type: ignore[arg-type]

    value = reach(
        output.home,
        scope="subject:read",
        method="GET",
        path=f"/v1/subjects/{quote(id, safe='')}/consents",
        directly=directly,
    )
    rows = [
        (
            one["id"],
            f"{one['purpose']}@{one['purpose_version']}",
            one["partner"] or "every recipient",
            one["method"],
            one["by"],
            one["scope"] or "",
            one["granted_at"][:19].replace("T", " "),
            "" if one["withdrawn_at"] is None else one["withdrawn_at"][:19].replace("T", " "),
        )
        for one in value["consents"]
    ]
    headings = ("consent", "purpose", "for", "method", "by", "scope", "granted", "withdrawn")
    output.result(value, table(headings, rows) if rows else "No consent is on record.")
