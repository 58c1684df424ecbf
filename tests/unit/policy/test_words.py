"""How messages name things."""

from gateway.policy.words import instead, listed, named, nearest


def test_words_are_quoted_and_long_texts_are_not_repeated():
    """A short word stands in quotes; what is long or unprintable is not said again (P2)."""
    assert named("shipping") == '"shipping"'
    assert named("x" * 64) == "this text"
    assert named("a\nb") == "this text"


def test_lists_read_as_a_sentence():
    """Options are joined as one would say them."""
    assert listed(["a", "b", "c"]) == "a, b or c"
    assert listed(["a"]) == "a"
    assert listed([]) == ""


def test_the_closest_word_is_offered():
    """A misspelt or shortened word gets the one that was probably meant."""
    words = ["core-function", "consent", "agreement"]
    assert nearest("core", words) == "core-function"
    assert nearest("consnet", words) == "consent"
    assert nearest("zzz", words) is None
    assert instead("consnet", words) == 'write "consent"'
    assert instead("zzz", words) == "write core-function, consent or agreement"
