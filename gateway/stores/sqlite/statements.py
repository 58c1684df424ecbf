"""
Reads named statements from the `.sql` files beside this one.

A statement is a line `-- name --`, a comment line that says what for, then SQL.
"""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- ([a-z_]+) --$")


def load(text: str) -> dict[str, str]:
    """Statements by name. Raises `ValueError` for a name that stands twice."""
    statements: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.splitlines():
        if found := _NAME.match(line):
            if found[1] in statements:
                raise ValueError(f"{found[1]} is declared twice")
            current = statements.setdefault(found[1], [])
        elif current is not None and not line.startswith("--"):
            current.append(line)
    return {name: "\n".join(lines).strip().rstrip(";") for name, lines in statements.items()}


FILES = (
    *("queries.sql", "cases.sql", "tokens.sql", "terms.sql", "editions.sql", "reports.sql"),
    *("published.sql", "crowds.sql", "witness.sql", "protocols.sql", "epochs.sql"),
    *("restoring.sql", "pruning.sql", "actions.sql", "mass.sql", "courses.sql"),
    "opendsr.sql",
)

SQL = load("\n".join((files("gateway.stores.sqlite") / name).read_text("utf-8") for name in FILES))


def migrations() -> list[tuple[int, str]]:
    """Numbered migrations in order: (number, script)."""
    folder = files("gateway.stores.sqlite") / "migrations"
    found = [
        (int(item.name[:4]), item.read_text("utf-8"))
        for item in folder.iterdir()
        if item.name.endswith(".sql")
    ]
    return sorted(found)
