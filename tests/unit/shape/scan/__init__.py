"""The search for personal data in free text."""

from gateway.shape import find_personal


def found(text: str) -> list[tuple[str, str]]:
    """What is found in a text: kinds, each with the words found."""
    return [(each.kind, text[each.start : each.end]) for each in find_personal(text)]


def kinds(text: str) -> list[str]:
    """Only the kinds of what is found."""
    return [kind for kind, _ in found(text)]
