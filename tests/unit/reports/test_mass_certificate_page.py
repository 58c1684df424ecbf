"""The page of a mass case's certificate: complete in both languages, with the claims' numbers."""

import pytest

from gateway.cases.mass import UNSEEN
from gateway.model.mass import Chosen, MassEvent, MassState
from gateway.reports.mass_certificate_page import mass_certificate_page
from gateway.reports.mass_certificate_words import CHOSEN, LANGUAGES, STATES, STEPS, WORDS
from tests.unit.cases.mass_builders import a_counted, a_mass, a_page, mass_said

NAMES = {"swift-parcel": "Swift <Parcel>"}


def test_both_languages_have_every_word() -> None:
    """What one language says the other says too, and of every state and step."""
    seen = set(MassState) - UNSEEN

    assert LANGUAGES == ("en", "zh")
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for language in LANGUAGES:
        assert STEPS[language].keys() == set(MassEvent) - {MassEvent.DROPPED}
        assert CHOSEN[language].keys() == set(Chosen)
    assert STATES["zh"].keys() == seen


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_the_claims_say(language: str) -> None:
    """Who decided, every count, the root, and the signed text; a name is text and no markup."""
    said = mass_said(
        a_page(
            a_counted(notices=1234, backups_until="2027-02-03"),
            a_counted(state="refused", proof="person", notices=17, backups_until=None),
        ),
        mass=a_mass(people=98765),
        checkpoint="origin\n7\nroot\n",
    )
    page = mass_certificate_page("a.signed.text", said, NAMES, (language,))

    shown = ("chen.yu", "li.wei", "98,765", "1,251", "1,234", "17", "2027-02-03", "0" * 64)
    assert all(text in page for text in shown)
    assert "Swift &lt;Parcel&gt;" in page
    assert "a.signed.text" in page
    assert "origin\n7\nroot\n" in page
    assert WORDS[language]["interim"] not in page


def test_what_is_not_over_says_so() -> None:
    """An interim one is marked, one that nobody approved yet too, and of nobody told there is a word."""
    said = mass_said(mass=a_mass(MassState.PROPOSED, approver=None), recipients=[])
    page = mass_certificate_page("a.signed.text", said, {})

    for language in LANGUAGES:
        words = WORDS[language]
        assert all(words[name] in page for name in ("interim", "unapproved", "nobody"))
