"""Reading the documents: pages, their fenced blocks, the rows of their tables."""

import re
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
RUNBOOKS = ROOT / "deploy" / "runbooks"
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md"), *RUNBOOKS.glob("*.md")]
)
REFERENCE = DOCS / "reference"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Fence:
    """One fenced block of a page."""

    page: Path
    kind: str
    text: str

    @property
    def name(self) -> str:
        """The file that it is, by the comment in its first line; else empty."""
        first = self.text.partition("\n")[0]
        return first.removeprefix("# ") if re.fullmatch(r"# [\w./-]+\.\w+", first) else ""


@cache
def text_of(page: Path) -> str:
    """A page as it stands."""
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", text_of(page))


def fences(page: Path, *kinds: str) -> list[Fence]:
    """The blocks of a page, of these kinds."""
    found = [Fence(page, kind, text) for kind, text in FENCE.findall(text_of(page))]
    return [one for one in found if one.kind in kinds]


def everywhere(*kinds: str) -> list[Fence]:
    """The blocks of all pages, of these kinds."""
    return [fence for page in PAGES for fence in fences(page, *kinds)]


def sections(page: Path) -> dict[str, str]:
    """What stands under each heading of the second level."""
    parts = re.split(r"^## (.*)$", prose(page), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def tables(text: str, first: str) -> list[dict[str, str]]:
    """Every row of the tables whose first column has this heading, by column."""
    rows: list[dict[str, str]] = []
    heading: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line[:1] == "|" else []
        cells = [cell.strip(" |") for cell in cells]
        if not cells:
            heading = []
        elif not heading:
            heading = cells
        elif heading[0] == first and not set(cells[0]) <= {"-", ""}:
            rows.append(dict(zip(heading, cells, strict=False)))
    return rows


def named(cell: str) -> list[str]:
    """What stands in a cell between backticks."""
    return CODE.findall(cell)


def only(cell: str) -> str:
    """The one name in a cell."""
    (name,) = named(cell)
    return name


def calls() -> list[tuple[str, list[str]]]:
    """Every call of the two programs in a shell block of the documents."""
    found = []
    for fence in everywhere("sh"):
        body = re.sub(r"<<'(\w+)'\n.*?^\1$", "", fence.text, flags=re.MULTILINE | re.DOTALL)
        for line in body.replace("\\\n", " ").splitlines():
            bare = re.sub(r"^\w+=\$\((.*)\)$", r"\1", line.strip())
            for part in re.split(r"&&|\||(?<!\S)[<>&]", bare):
                words = shlex.split(part, comments=True)
                if words and words[0].rpartition("/")[2] in ("gateway", "gateway-verify"):
                    where = f"{fence.page.name}: {line.strip()}"
                    found.append((where, [words[0].rpartition("/")[2], *words[1:]]))
    return found
