"""What a recogniser answers."""

from gateway.shape import Finding, find_personal


def test_a_finding_holds_no_words_of_the_text():
    """A finding that is printed shows its kind and place, and nothing of what was found."""
    (finding,) = find_personal("call 13800138000")
    assert finding == Finding(kind="phone", start=5, end=16)
    assert "138" not in repr(finding)
