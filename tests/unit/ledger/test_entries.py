"""The leaves: what each kind holds, and what none can hold."""

import hmac
import inspect
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Reason
from gateway.ledger import entries
from gateway.ledger.encode import LedgerEncodeError, canonical
from gateway.ledger.entries import BUILDERS, Kind, Leaf
from gateway.ledger.leaf import NOTICE_REASONS, REQUIRED
from gateway.model.payload import Private
from gateway.model.policy import LeafKind
from gateway.model.shares import Outcome
from tests.unit.ledger.builders import NOW, SUBJECT_KEY, an_intent, an_outcome

HASH = "0123456789abcdef" * 4
SHARE_MEMBERS = (
    "kind id at share partner purpose purpose_version ground fields categories edition service"
    " grant retention_until territory"
)
# A value for each argument of any builder that fits its meaning.
VALUES: dict[str, Any] = {
    "at": NOW,
    "retention_until": NOW + timedelta(days=30),
    "disclosed_at": NOW - timedelta(days=1),
    "deadline": NOW + timedelta(days=15),
    "announced_at": NOW - timedelta(days=30),
    "backups_until": date(2026, 4, 1),
    "purpose_version": 1,
    "status": 200,
    "attempts": 3,
    "count": 12,
    "upto": 9,
    "before": NOW,
    "whole": True,
    "lifted": True,
    "until_consent": True,
    "settled": False,
    "fields": ["/name"],
    "received": ["/status"],
    "categories": ["basic.name"],
    "partners": ["swift-parcel"],
    "purposes": ["order-fulfilment"],
    "clause": ["S1"],
    "outcome": "delivered",
    "code": "consent-missing",
    **dict.fromkeys(["grant", "subject", "evidence", "verification"], HASH),
    **dict.fromkeys(["digest", "token", "previous", "reference"], HASH),
}
KINDS = sorted(Kind)


def arguments(kind: Kind, *, optional: bool) -> dict[str, Any]:
    """Fitting arguments for the builder of a kind: all of them, or only those it must have."""
    parameters = inspect.signature(BUILDERS[kind]).parameters.values()
    wanted = [each.name for each in parameters if optional or each.default is each.empty]
    made = {name: VALUES.get(name, f"{name}-1") for name in wanted}
    if kind is Kind.RECEIPT:
        made["status"] = "completed"
    if kind in set(LeafKind):
        made["kind"] = kind
    return made


def build(kind: Kind, **changes: Any) -> Leaf:
    """A leaf of a kind, with changes to the least that its builder must have."""
    return BUILDERS[kind](**arguments(kind, optional=False) | changes)


def holds_only_plain_values(value: Any) -> bool:
    """Strings, integers, booleans, lists and dicts, and no type made of these."""
    if type(value) is list:
        return all(map(holds_only_plain_values, value))
    if type(value) is dict:
        return all(type(name) is str for name in value) and holds_only_plain_values(
            list(value.values())
        )
    return type(value) in (str, int, bool)


def test_every_kind_of_the_contract_has_a_builder() -> None:
    """The kinds are exactly those of the contract, and each can be written."""
    kinds = (
        "intent transfer public-disclosure outcome refusal fence case notice receipt redemption"
        " declared key policy partner read"
    )

    assert list(Kind) == kinds.split()
    assert set(BUILDERS) == set(REQUIRED) == set(Kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("optional", [True, False], ids=["all members", "required members"])
def test_a_leaf_holds_plain_values_only(kind: Kind, optional: bool) -> None:
    """A leaf of any kind is ready to be hashed, with no null, no fraction, no other type."""
    leaf = BUILDERS[kind](**arguments(kind, optional=optional))

    assert (leaf["kind"], leaf["id"], leaf["at"]) == (kind, "id-1", "2026-03-01T12:00:00.123Z")
    assert holds_only_plain_values(leaf)
    assert leaf.keys() >= REQUIRED[kind]
    assert json.loads(canonical(leaf)) == leaf


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_apply_is_absent(kind: Kind) -> None:
    """Without its optional members a leaf has the required ones and nothing more."""
    leaf = build(kind)
    extra = {"reason"} if kind is Kind.FENCE else {"purpose"} if kind is Kind.REDEMPTION else set()

    assert leaf.keys() == {"kind", "id", "at"} | REQUIRED[kind] | extra


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_no_builder_lets_null_or_a_fraction_through(kind: Kind, data: st.DataObject) -> None:
    """Whatever member is given null or a fraction, it is absent or refused, never written."""
    given_arguments = arguments(kind, optional=True)
    name = data.draw(st.sampled_from(sorted(given_arguments)))
    wrong = data.draw(st.sampled_from([None, 1.5, float("nan"), [None], [1.5], {"deep": None}]))
    try:
        leaf = BUILDERS[kind](**given_arguments | {name: wrong})
    except (LedgerEncodeError, TypeError, AttributeError):
        return
    assert holds_only_plain_values(leaf)
    assert leaf.keys() >= REQUIRED[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_required_member_cannot_be_forgotten(kind: Kind) -> None:
    """A builder refuses a leaf that lacks what every leaf of its kind has."""
    plain = [
        name for name in REQUIRED[kind] if isinstance(arguments(kind, optional=True)[name], str)
    ]
    for name in sorted(set(plain) - {"outcome", "code"}):
        with pytest.raises(LedgerEncodeError, match=f"^{name}: "):
            build(kind, **{name: None})


@pytest.mark.parametrize("kind", list(LeafKind))
def test_a_share_has_exactly_the_members_of_the_contract(kind: LeafKind) -> None:
    """Intent, transfer and public disclosure hold what the contract lists, and nothing else."""
    leaf = an_intent(kind=kind)
    with_person = an_intent(kind=kind, subject=HASH, evidence=HASH)

    assert list(leaf) == SHARE_MEMBERS.split()
    assert with_person.keys() - leaf.keys() == {"subject", "evidence"}
    assert leaf["kind"] == kind.value


def test_an_outcome_has_exactly_its_members() -> None:
    """An outcome names share, partner and outcome, and what came back only if anything did."""
    bare = an_outcome(status=None, outcome=Outcome.TIMEOUT)
    full = an_outcome(received=["/status"])

    assert list(bare) == ["kind", "id", "at", "share", "partner", "outcome"]
    assert full | {"status": 201, "received": ["/status"]} == full
    assert an_outcome(received=[])["received"] == []


def test_only_known_words_decide() -> None:
    """Kinds of share, outcomes and refusal codes are those of the contract."""
    with pytest.raises(LedgerEncodeError, match="kind"):
        an_intent(kind="outcome")
    with pytest.raises(LedgerEncodeError, match="outcome"):
        an_outcome(outcome="lost")
    with pytest.raises(LedgerEncodeError, match="code"):
        build(Kind.REFUSAL, code="because")
    assert build(Kind.REFUSAL, code=Reason.OPTED_OUT)["code"] == "opted-out"


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_is_never_named(kind: Kind) -> None:
    """Where a mark, a commitment or a hash belongs, a text is refused and not repeated."""
    secrets = {"subject", "evidence", "verification", "token", "reference", "digest", "grant"}
    for name in secrets & arguments(kind, optional=True).keys():
        for clear in ("ouyang.ming", HASH.upper(), HASH[:-1], ""):
            with pytest.raises(LedgerEncodeError) as refused:
                build(kind, **{name: clear})
            assert "ouyang" not in str(refused.value)


def test_private_text_does_not_enter_a_leaf() -> None:
    """Text marked as a person's own is refused in whatever member it turns up."""
    for name in ("service", "territory", "share"):
        with pytest.raises(LedgerEncodeError, match=f"{name}: text that belongs to a person"):
            an_intent(**{name: Private("ouyang.ming")})
    with pytest.raises(LedgerEncodeError, match="fields"):
        an_intent(fields=[Private("/name")])


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.REFUSAL, "partner"),
        (Kind.REFUSAL, "route"),
        (Kind.REFUSAL, "purpose"),
        (Kind.REDEMPTION, "purpose"),
        (Kind.CASE, "reason"),
        (Kind.NOTICE, "reason"),
        (Kind.RECEIPT, "reason"),
        (Kind.FENCE, "reason"),
    ],
)
def test_free_text_from_outside_is_left_out(kind: Kind, name: str) -> None:
    """A fixed word from outside is kept; a sentence, which nobody could erase, is not."""
    assert build(kind, **{name: "not-found"})[name] == "not-found"
    for text in ("Ming moved to Suzhou", "X", "", "a" * 64, "two\nlines", "名"):
        assert name not in build(kind, **{name: text})


@pytest.mark.parametrize("kind", [Kind.NOTICE, Kind.RECEIPT])
def test_a_reason_that_somebody_chose_is_left_out(kind: Kind) -> None:
    """A number or a name that looks like a fixed word is none: only listed reasons are kept."""
    for text in sorted(NOTICE_REASONS):
        assert build(kind, reason=text)["reason"] == text
    for text in ("13800138000", "ouyang.ming", "lo-2026-1", "tax-law", "refused"):
        assert "reason" not in build(kind, reason=text)


def test_one_text_is_no_list() -> None:
    """A text where a list belongs is refused, and is not taken letter by letter."""
    for name in ("fields", "categories"):
        with pytest.raises(LedgerEncodeError, match="list"):
            an_intent(**{name: "/name"})


def test_a_fence_says_what_it_bounds() -> None:
    """The scope of a fence is sorted, and what is not bounded is absent."""
    leaf = build(Kind.FENCE, partners={"swift-parcel", "ad-network"}, purposes=frozenset())

    assert leaf["partners"] == ["ad-network", "swift-parcel"]
    assert not {"purposes", "categories", "lifted", "until_consent"} & leaf.keys()


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW, "2026-03-01T12:00:00.123Z"),
        (NOW.replace(microsecond=999_999), "2026-03-01T12:00:00.999Z"),
        (NOW.replace(microsecond=0), "2026-03-01T12:00:00.000Z"),
        (NOW.astimezone(timezone(timedelta(hours=8))), "2026-03-01T12:00:00.123Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_times_have_one_form(at: datetime, text: str) -> None:
    """A time is UTC with three digits of a second, whatever zone and precision it came with."""
    assert entries.timestamp(at) == text


def test_a_time_without_a_zone_is_refused() -> None:
    """Nobody can tell which moment a time without a zone means."""
    with pytest.raises(LedgerEncodeError, match="zone"):
        entries.timestamp(NOW.replace(tzinfo=None))


def test_a_day_stays_a_day() -> None:
    """Until when backups last may be a day or a moment, as the partner said."""
    assert build(Kind.RECEIPT, backups_until=date(2026, 4, 1))["backups_until"] == "2026-04-01"
    assert build(Kind.RECEIPT, backups_until=NOW)["backups_until"] == entries.timestamp(NOW)


@pytest.mark.parametrize("make", [entries.subject_mark, entries.commitment])
def test_marks_have_a_fixed_value(make: Callable[[bytes, str], str]) -> None:
    """Marks and commitments are those of FORMAT.md: another implementation gets the same."""
    message = {
        entries.subject_mark: b"leaf|leaf_1",
        entries.commitment: b"commitment||leaf_1",
    }[make]

    assert make(SUBJECT_KEY, "leaf_1") == hmac.digest(SUBJECT_KEY, message, "sha256").hex()


def test_nothing_in_two_leaves_tells_that_they_are_of_one_person() -> None:
    """Marks and commitments of one person and one text differ from leaf to leaf."""
    marks = {entries.subject_mark(SUBJECT_KEY, f"leaf_{n}") for n in range(9)}
    commitments = {entries.commitment(SUBJECT_KEY, "case 12", f"leaf_{n}") for n in range(9)}

    assert len(marks | commitments) == 18
    assert entries.commitment(SUBJECT_KEY, "case 12") == entries.commitment(SUBJECT_KEY, "case 12")
    assert entries.commitment(SUBJECT_KEY, "case 12") != entries.commitment(bytes(32), "case 12")
