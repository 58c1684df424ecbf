"""
What one walk over a document finds out on its way.
"""

from gateway.errors import CallerError, Reason
from gateway.shape.context import Context

# Of several problems the first in this order is answered (contract §6: fields).
_ORDER = {
    Reason.UNDECLARED_FIELDS: 0,
    Reason.REQUIRED_FIELD_MISSING: 1,
    Reason.FIELD_TYPE_MISMATCH: 2,
    Reason.PERSONAL_DATA_DETECTED: 3,
}
_DETAILS = {
    Reason.UNDECLARED_FIELDS: "something stands in the body that the route does not declare",
    Reason.REQUIRED_FIELD_MISSING: "{} is required and missing",
    Reason.FIELD_TYPE_MISMATCH: "{} is not as the manifest declares it",
    Reason.PERSONAL_DATA_DETECTED: "{} holds personal data in free text",
}


class Run:
    """What one walk finds out on its way."""

    __slots__ = ("dropped", "let_out", "problems", "undeclared")

    def __init__(self) -> None:
        self.let_out = 0
        """A bit for each declared value that let something out, by its place in the manifest."""
        self.dropped = False
        """Something that came in was not let out."""
        self.undeclared = False
        """Of that, something that no selector names."""
        self.problems: dict[tuple[Reason, int], str] = {}

    def refuse(self, reason: Reason, place: int, selector: str) -> None:
        """Note that the share cannot be carried, and because of which declared value."""
        self.problems[reason, place] = selector

    def raise_first(self) -> None:
        """Raise the `CallerError` that counts: by reason, then by place in the manifest."""
        if self.problems:
            first = min(self.problems, key=lambda problem: (_ORDER[problem[0]], problem[1]))
            raise problem_error(first[0], self.problems[first])


def problem_error(reason: Reason, selector: str) -> CallerError:
    """The error for one problem; names the declared selector, never a value."""
    return CallerError(reason, _DETAILS[reason].format(selector))


class SendRun(Run):
    """One walk on behalf of one share."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
