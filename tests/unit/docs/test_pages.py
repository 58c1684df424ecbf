"""All pages: where they lead, and what they must not name."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.unit.docs.pages import DOCS, PAGES, ROOT, prose, text_of


def anchors(page: Path) -> set[str]:
    """What a link into a page may point to."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link of a page leads to a file of the repository, and to a heading that is there."""
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert ROOT in target.parents, link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_no_address_of_the_world(page: Path) -> None:
    """Addresses in the documents are examples or this machine; standards go by their names."""
    for found in re.findall(r"https?://[^\s`'\")>\]|]*", text_of(page)):
        host = urlsplit(found).hostname or ""
        assert host.endswith(".example") or host in ("", "localhost", "127.0.0.1"), found


def test_every_page_can_be_found() -> None:
    """From the README each page of the documents is one or two links away."""
    seen = {ROOT / "README.md"}
    for _ in range(2):
        for page in list(seen):
            links = re.findall(r"\]\(([^)\s#]+\.md)", text_of(page))
            seen |= {(page.parent / link).resolve() for link in links}

    assert set(DOCS.rglob("*.md")) <= seen
