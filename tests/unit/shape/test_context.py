"""What a share brings along."""

from tests.unit.shape.builders import a_context


def test_a_context_prints_no_key():
    """The key for hashes shows nowhere, and neither do the functions that hold others."""
    printed = repr(a_context())
    assert "kkk" not in printed
    assert "partner='courier'" in printed
    assert "lambda" not in printed
