"""Reading a page as a browser would, so that tests ask what is in it and not how it is written."""

from html.parser import HTMLParser

VOID = {"meta", "br", "hr"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; raises where it is not well formed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Elements close in the order in which they opened."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text that is shown."""
        if "style" not in self._open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All text that is shown."""
        return " ".join(self.texts)

    def named(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a name."""
        return [attributes for tag, attributes in self.elements if tag == name]


ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section"),
    *("h1", "h2", "h3", "p", "dl", "dt", "dd", "div", "span", "ul", "li"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "scope"}


def check(text: str) -> Page:
    """A page that is one file, runs nothing, fetches nothing, and can be read aloud."""
    assert text.startswith("<!doctype html>\n")
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert {name for _, attributes in page.elements for name in attributes} <= ATTRIBUTES
    assert "url(" not in text
    assert "@import" not in text
    assert page.named("html") == [{"lang": "en"}]
    assert len(page.named("h1")) == 1
    assert {one.get("scope") for one in page.named("th")} <= {"row", "col"}
    assert len(page.named("table")) == len(page.named("caption"))
    return page
