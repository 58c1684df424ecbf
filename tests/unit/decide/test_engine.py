"""The checks together: their order, and that nothing leaves by default."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decide import engine
from gateway.decide.engine import CHECKS, Check
from gateway.errors import Reason
from gateway.model.consent import Fence, Method, Scope, SubjectFacts
from gateway.model.ids import ConsentId, GroundId, PurposeId
from gateway.model.policy import Kind, KindRule
from gateway.model.shares import Permitted
from tests.marks import promise
from tests.unit.decide.builders import (
    LI,
    RECORD,
    ZHANG,
    Share,
    a_consent,
    a_partner,
    a_policy,
    a_purpose,
    a_record,
    a_route,
    a_share,
    some_facts,
)
from tests.unit.decide.expecting import carried, reason

EVERYTHING = "everything"


def a_demanding_share() -> Share:
    """A share on which every check has something to say, and that passes them all."""
    purpose = a_purpose(
        EVERYTHING,
        "consent",
        core=False,
        sale=True,
        separate_consent=True,
        active_choice=True,
    )
    route = a_route("basic.phone", purpose=PurposeId(EVERYTHING), ground=GroundId("consent"))
    consents = [
        a_consent(EVERYTHING, id=ConsentId(f"consent-{scope}"), scope=scope, method=Method.SEPARATE)
        for scope in (None, Scope.SENSITIVE, Scope.CROSS_BORDER)
    ]
    return Share(
        policy=a_policy(
            purposes=[purpose],
            kinds=[KindRule(kind=Kind.AFFILIATE, registered_demand=True)],
        ),
        route=route,
        partner=a_partner(route, kind=Kind.AFFILIATE, territory="SG"),
        purpose=EVERYTHING,
        claim=RECORD,
        evidence=a_record(purposes=(EVERYTHING,)),
        facts=(some_facts(*consents),),
    )


def _person(share: Share, **changes: object) -> Share:
    facts: SubjectFacts = replace(share.facts[0], **changes)  # type: ignore[arg-type]
    return share.but(facts=(facts, *share.facts[1:]))


def _consents(share: Share, scope: Scope | None, **changes: object) -> Share:
    changed = tuple(
        replace(each, **changes) if each.scope is scope else each  # type: ignore[arg-type]
        for each in share.facts[0].consents
    )
    return _person(share, consents=changed)


FAILURES: dict[str, tuple[Reason, Callable[[Share], Share]]] = {
    "erased": (Reason.SUBJECT_ERASED, lambda s: _person(s, erased=True)),
    "restricted": (
        Reason.SUBJECT_RESTRICTED,
        lambda s: _person(s, fences=(Fence(reason="restrict"),)),
    ),
    "partner": (Reason.PARTNER_SUSPENDED, lambda s: s.but(suspended=True)),
    "agreement": (
        Reason.AGREEMENT_MISSING,
        lambda s: s.but(partner=replace(s.partner, agreement=None)),
    ),
    "purpose": (Reason.PURPOSE_NOT_PERMITTED, lambda s: s.but(purpose_version=9)),
    "ground": (Reason.GROUND_NOT_PERMITTED, lambda s: s.but(ground="research")),
    "evidence": (Reason.EVIDENCE_MISSING, lambda s: s.but(claim=None, evidence=None)),
    "opt-out": (Reason.OPTED_OUT, lambda s: s.but(gpc=True)),
    "guardian": (Reason.GUARDIAN_CONSENT_MISSING, lambda s: _person(s, minor=True)),
    "consent": (Reason.CONSENT_STALE, lambda s: _consents(s, None, purpose_version=2)),
    "separate": (
        Reason.SEPARATE_CONSENT_MISSING,
        lambda s: _consents(s, None, method=Method.EXPLICIT),
    ),
    "border": (
        Reason.CROSS_BORDER_CONSENT_MISSING,
        lambda s: _consents(s, Scope.CROSS_BORDER, expires=s.now),
    ),
}


def test_every_check_has_a_failure_here() -> None:
    """The checks stand in the contract's order, and this file can make each of them fail."""
    assert [check.name for check in CHECKS] == ["subject", *FAILURES]


@pytest.mark.parametrize("name", FAILURES)
def test_one_thing_wrong_is_told_as_that(name: str) -> None:
    """A share that passes everything is refused for the one thing that is then wrong."""
    expected, fail = FAILURES[name]

    assert carried(a_demanding_share().decided())
    assert reason(fail(a_demanding_share()).decided()) == expected


@given(names=st.sets(st.sampled_from(sorted(FAILURES)), min_size=1))
def test_of_several_things_wrong_the_first_in_the_order_counts(names: set[str]) -> None:
    """Whatever else is wrong, the answer is the earliest in the contract's order."""
    share = a_demanding_share()
    for name in names:
        share = FAILURES[name][1](share)

    first = next(expected for name, (expected, _) in FAILURES.items() if name in names)

    assert reason(share.decided()) == first


PERSONAL = ("erased", "restricted", "guardian", "consent", "separate", "border")


@given(mine=st.sets(st.sampled_from(PERSONAL)), yours=st.sets(st.sampled_from(PERSONAL)))
def test_of_several_people_the_first_reason_of_all_counts(mine: set[str], yours: set[str]) -> None:
    """Everyone in a share must pass, and the earliest reason of anyone is the answer."""

    def facts(names: set[str]) -> SubjectFacts:
        share = a_demanding_share()
        for name in names:
            share = FAILURES[name][1](share)
        return share.facts[0]

    share = a_demanding_share().but(subjects=(ZHANG, LI), facts=(facts(mine), facts(yours)))
    first = next((r for name, (r, _) in FAILURES.items() if name in mine | yours), None)

    assert reason(share.decided()) == first


@given(names=st.sets(st.sampled_from(sorted(FAILURES))))
def test_the_same_question_gets_the_same_answer(names: set[str]) -> None:
    """A decision depends on nothing but its arguments."""
    share = a_demanding_share()
    for name in names:
        share = FAILURES[name][1](share)

    assert share.decided() == share.decided()


def test_the_answer_says_what_carried_it() -> None:
    """A permission names ground, evidence and consents, the purpose's before the others."""
    answer = a_demanding_share().decided()

    assert answer == Permitted(
        ground=GroundId("consent"),
        evidence=RECORD,
        consents=(
            ConsentId("consent-None"),
            ConsentId("consent-sensitive"),
            ConsentId("consent-cross-border"),
        ),
    )


def test_every_refusal_cites_a_clause_and_a_remedy() -> None:
    """Whatever is wrong, the caller reads by which clause and what would have to change."""
    for _, fail in FAILURES.values():
        refused = fail(a_demanding_share()).decided()
        assert not isinstance(refused, Permitted)
        assert refused.clauses
        assert refused.remedy.endswith(".")
        assert "partner swift-parcel" in refused.detail
        assert ZHANG not in refused.detail + refused.remedy


@promise("S1")
def test_nothing_leaves_only_because_nothing_spoke_against_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Were the consent check gone, a share on consent would still not leave without a consent."""
    without: tuple[Check, ...] = tuple(
        check for check in CHECKS if check.name not in ("consent", "guardian", "separate")
    )
    monkeypatch.setattr(engine, "CHECKS", without)

    assert reason(a_share(ground="consent").decided()) == Reason.GROUND_NOT_PERMITTED


def test_a_time_without_a_zone_decides_nothing() -> None:
    """Whose day it is must be known before an agreement is looked at."""
    with pytest.raises(ValueError, match="time zone"):
        a_share(now=datetime(2026, 11, 20, 9, 30)).decided()  # noqa: DTZ001


@pytest.mark.parametrize("facts", [(), (SubjectFacts(), SubjectFacts())])
def test_facts_of_everyone_decide(facts: tuple[SubjectFacts, ...]) -> None:
    """A decision about people whose facts nobody read is no decision."""
    with pytest.raises(ValueError, match="every subject"):
        a_share(facts=facts).decided()
