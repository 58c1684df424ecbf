"""What one walk finds out, and which of several problems counts."""

import pytest

from gateway.errors import CallerError, Reason
from gateway.shape.run import Run


def test_a_run_without_problems_raises_nothing():
    """A walk that met no problem ends quietly."""
    run = Run()
    run.raise_first()
    assert (run.let_out, run.dropped, run.undeclared) == (0, False, False)


@pytest.mark.parametrize(
    ("problems", "counts"),
    [
        (
            [(Reason.PERSONAL_DATA_DETECTED, 0), (Reason.FIELD_TYPE_MISMATCH, 9)],
            (Reason.FIELD_TYPE_MISMATCH, 9),
        ),
        (
            [(Reason.REQUIRED_FIELD_MISSING, 3), (Reason.REQUIRED_FIELD_MISSING, 1)],
            (Reason.REQUIRED_FIELD_MISSING, 1),
        ),
    ],
)
def test_the_first_problem_counts(problems, counts):
    """Of several problems the reason that comes first counts, then the place in the manifest."""
    run = Run()
    for reason, place in problems:
        run.refuse(reason, place, f"/field-{place}")
    with pytest.raises(CallerError) as caught:
        run.raise_first()
    assert caught.value.reason is counts[0]
    assert f"/field-{counts[1]}" in caught.value.detail


def test_undeclared_fields_are_never_named():
    """What nobody declared is refused without a name."""
    run = Run()
    run.refuse(Reason.UNDECLARED_FIELDS, 0, "/secret")
    with pytest.raises(CallerError) as caught:
        run.raise_first()
    assert "secret" not in caught.value.detail
