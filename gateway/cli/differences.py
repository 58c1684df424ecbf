"""How `gateway policy diff` reads: a table for each direction, then who must be asked again."""

from typing import Any

from gateway.cli.output import table

DIRECTIONS = ("widens", "narrows", "neutral")
HEADINGS = ("what", "recipient", "purpose", "which", "before", "after", "clauses")

# Columns of a cell; the whole text is in the JSON.
WIDTH = 48


def report(value: dict[str, Any]) -> str:
    """A comparison as `Compared.value` has it, for people."""
    parts = [_edition("old", value["old"]), _edition("new", value["new"]), ""]
    for direction in DIRECTIONS:
        if rows := value[direction]:
            cells = [_row(row) for row in rows]
            parts += [f"{direction} ({len(rows)})", table(HEADINGS, cells), ""]
    if not any(value[direction] for direction in DIRECTIONS):
        parts += ["nothing differs", ""]
    parts.append(_asked_again(value))
    if value["replay"]:
        parts += ["", *_replayed(value["replay"])]
    return "\n".join(parts)


def _edition(which: str, edition: dict[str, Any]) -> str:
    return (
        f"{which}  edition {edition['edition']}, published {edition['published']}, "
        f"effective {edition['effective']}, digest {edition['digest'][:16]}"
    )


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    told = row["what"] if row["ordered"] else f"{row['what']} (no order)"
    cells = (row["partner"], row["purpose"], _which(row), row["before"], row["after"])
    return (told, *(_short(cell) for cell in cells), " ".join(row["clause"]))


def _which(row: dict[str, Any]) -> str:
    route: str | None = row["route"]
    if route in (None, row["name"]):
        return str(row["name"])
    return f"{route} {row['name']}".strip()


def _short(text: str | None) -> str:
    if not text:
        return "—"
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _asked_again(value: dict[str, Any]) -> str:
    pairs = "; ".join(f"{one['partner']} for {one['purpose']}" for one in value["ask_again"])
    if not pairs:
        return "Nothing widens what a recipient gets: consents go on counting."
    if value["old"]["edition"] == value["new"]["edition"]:
        return (
            f"Both have the number {value['old']['edition']}, so consents go on counting, also "
            f"where it widens: {pairs}."
        )
    return (
        f"Where consent carries, consents from before edition {value['new']['edition']} do not "
        f"count any more (N1): {pairs}."
    )


def _replayed(found: dict[str, Any]) -> list[str]:
    parts: list[str] = []
    for name in ("shares", "refusals"):
        parts += _count(name, found[name])
    people = found["people"]
    return [
        *parts,
        f"people: {people['refused']} would be refused, {people['allowed']} newly allowed",
        f"left out: {found['erased']} of people who were erased",
        "",
        "assumed:",
        *(f"- {one}" for one in found["assumed"]),
    ]


def _count(name: str, count: dict[str, Any]) -> list[str]:
    told = (
        f"past {name}: {count['replayed']} replayed, {count['refused']} would be refused, "
        f"{count['allowed']} newly allowed"
    )
    by = (
        f"  {one['count']} × {one['code']} ({', '.join(one['clause']) or 'no clause'})"
        for one in count["by"]
    )
    return [told, *by]
