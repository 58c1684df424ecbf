"""
Pages: one file, no script, nothing from elsewhere, safe with any name in them.

Markup is made by `tag` only, and whatever is not markup already is escaped on
its way in, so there is no place at which to forget it.
"""

import html
import unicodedata
from collections.abc import Iterable, Sequence

Content = object
"""What may stand in an element: `Html`, or anything else, which is escaped as text."""

# Cs cannot be encoded, Cc is no text; of Cf the marks that turn the direction of
# what follows would let a name rewrite the line that it stands in.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_VOID = frozenset({"meta", "br", "hr"})

STYLE = """
@page { size: A4; margin: 16mm 14mm; }
:root { color-scheme: light; --ink: #1c2430; --soft: #5a6675; --line: #d5dbe3; --pale: #f4f6f9;
  --accent: #1f5f8b; --mark: #9a3412; --mark-pale: #fdf1e7; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2.5rem 1.5rem 4rem; color: var(--ink);
  background: #fff; font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "PingFang SC",
  "Microsoft YaHei", sans-serif; overflow-wrap: break-word; }
header { border-bottom: 3px solid var(--accent); margin-bottom: 1.5rem; padding-bottom: 1rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; break-after: avoid; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; break-after: avoid; }
p { margin: .4rem 0; max-width: 46rem; }
.lead, .note, footer { color: var(--soft); }
.note, footer { font-size: .87rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: .5rem 0; }
dt { color: var(--soft); }
dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .7rem 0 1rem; font-size: .9rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .35rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .65rem;
  border-bottom: 1px solid var(--line); unicode-bidi: isolate; }
thead th { background: var(--pale); border-bottom: 2px solid var(--line); font-weight: 600; }
tbody th { font-weight: 600; }
tbody tr:last-child > * { border-bottom: 0; }
tr { break-inside: avoid; }
.whole { white-space: nowrap; }
thead { display: table-header-group; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
ul { margin: 0; padding-left: 1.1rem; }
.tag { display: inline-block; padding: 0 .5em; border: 1px solid var(--line); border-radius: .7em;
  color: var(--soft); font-size: .8rem; white-space: nowrap; }
.tag.marked { color: var(--mark); border-color: var(--mark); background: var(--mark-pale); }
section.card { border: 1px solid var(--line); border-radius: .5rem; padding: .2rem 1.2rem .8rem;
  margin: 1.2rem 0; }
section.card h2 { margin-top: 1rem; }
section.sheet { break-before: page; border-top: 3px solid var(--accent); margin-top: 3rem;
  padding-top: 1.5rem; }
footer { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: .8rem; }
@media print { body { max-width: none; padding: 0; font-size: 10.5pt; }
  section.card { border: 0; padding: 0; } .wide { overflow: visible; }
  section.sheet { border: 0; margin: 0; padding: 0; } }
"""


class Html(str):
    """Markup that is safe as it stands. Made by this module only."""

    __slots__ = ()


def escaped(value: object) -> Html:
    """Any value as text of a page; `Html` as it is."""
    if isinstance(value, Html):
        return value
    return Html(html.escape("".join(_shown(one) for one in str(value)), quote=True))


def _shown(character: str) -> str:
    if character in _TURNING or unicodedata.category(character) in ("Cc", "Cs"):
        return " " if character in "\t\r\n" else "\N{REPLACEMENT CHARACTER}"
    return character


def joined(parts: Iterable[Content]) -> Html:
    """Parts one behind another."""
    return Html("".join(escaped(part) for part in parts))


def tag(name: str, /, *content: Content, **attributes: str) -> Html:
    """One element. `class_` stands for `class`; attributes and text are escaped."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for key, value in attributes.items()
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    within = joined(map(_with_lines, content) if name == "pre" else content)
    return Html(f"<{name}{given}>{within}</{name}>")


def _with_lines(value: Content) -> Html:
    """Text as `escaped`, its lines kept: a signed note without them is another one."""
    if isinstance(value, Html):
        return value
    return Html("\n".join(escaped(line) for line in str(value).split("\n")))


def listed(items: Sequence[Content]) -> Html:
    """A list; one item alone stands as it is."""
    if len(items) == 1:
        return escaped(items[0])
    return tag("ul", *(tag("li", item) for item in items))


def facts(pairs: Iterable[tuple[str, Content]]) -> Html:
    """Names and what they are, side by side."""
    return tag("dl", *(joined((tag("dt", name), tag("dd", value))) for name, value in pairs))


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[Content]],
    *,
    caption: str,
    numbers: frozenset[int] | set[int] = frozenset(),
) -> Html:
    """
    A table with a caption; the first cell of each row is its heading.

    `numbers` are the columns that hold numbers.
    """
    look = [{"class_": "number"} if place in numbers else {} for place in range(len(headings))]
    head = (tag("th", name, scope="col", **look[place]) for place, name in enumerate(headings))
    body = (
        tag(
            "tr",
            *(
                tag("th", cell, scope="row") if place == 0 else tag("td", cell, **look[place])
                for place, cell in enumerate(row)
            ),
        )
        for row in rows
    )
    whole = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *head)),
        tag("tbody", *body),
    )
    return tag("div", whole, class_="wide")


def whole(text: str) -> Html:
    """Text that is not broken between lines, such as a date."""
    return tag("span", text, class_="whole")


def label(text: str, *, marked: bool = False) -> Html:
    """A word that stands out a little; `marked` more so."""
    return tag("span", text, class_="tag marked" if marked else "tag")


def sheet(title: str, language: str, content: Iterable[Content], *, first: bool) -> Html:
    """
    What a page says in one language. The first stands under the page's own title;
    each other one begins a sheet of paper, under its own.
    """
    if first:
        return tag("section", *content, lang=language)
    return tag("section", tag("h1", title), *content, lang=language, class_="sheet")


def page(title: str, *body: Content, lead: Content = "", foot: Content = "") -> str:
    """A whole page of its own."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        # Nothing is fetched and nothing runs, whoever opens it.
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'",
        ),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Html(STYLE)),
    )
    top = tag("header", tag("h1", title), tag("p", lead, class_="lead") if lead else "")
    end = tag("footer", tag("p", foot)) if foot else ""
    return "<!doctype html>\n" + tag(
        "html", head, tag("body", top, tag("main", *body), end), lang="en"
    )
