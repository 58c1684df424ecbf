"""Two editions against each other, as a whole (N1, N2)."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.ids import CategoryId, GroundId, PartnerId, PurposeId, RouteId
from gateway.model.policy import Kind
from gateway.model.policyset import PolicySet, Widening
from gateway.model.recipients import Field, Partner, Route, Seal, State, TransformCall
from gateway.policy.comparison import compare, widened, widened_by_all
from gateway.policy.differences import Difference, Direction
from tests.marks import promise
from tests.unit.policy.comparing import STEPS, a_set, with_route

SINCE = datetime(2027, 1, 1, tzinfo=UTC)
ADVERTS = (PartnerId("adverts"), PurposeId("advertising"))
COURIER = (PartnerId("courier"), PurposeId("order-fulfilment"))

_fields = st.builds(
    Field,
    selector=st.sampled_from(["/a", "/b", "/order"]),
    category=st.sampled_from([CategoryId(name) for name in ("none", "basic.name", "device.id")]),
    transform=st.none()
    | st.sampled_from(["drop", "hash", "mask-name", "token", "constant"]).map(
        lambda name: TransformCall(name=name)
    )
    | st.integers(1, 3).map(lambda size: TransformCall(name="truncate", argument=size)),
    sealed=st.booleans(),
    required=st.booleans(),
    pattern=st.sampled_from([None, "^a$", "^b$"]),
    enum=st.sampled_from([None, ("a",), ("a", "b")]),
    max_length=st.sampled_from([None, 5, 9]),
    scan=st.sampled_from([None, "block", "mask"]),
)


def _send(fields: list[Field]) -> tuple[Field, ...]:
    return tuple({field.selector: field for field in fields}.values())


@st.composite
def _routes(draw: Any, partner: str) -> Route:
    purpose = draw(st.sampled_from(["order-fulfilment", "advertising", "payment"]))
    return Route(
        id=RouteId(draw(st.sampled_from(["one", "two"]))),
        partner=PartnerId(partner),
        method="POST",
        path=(draw(st.sampled_from(["p", "q"])),),
        purpose=PurposeId(purpose),
        purpose_version=draw(st.integers(1, 2)),
        ground=GroundId(draw(st.sampled_from(["consent", "agreement", "core-function"]))),
        retention=timedelta(days=draw(st.integers(1, 3))),
        seal=draw(st.sampled_from(Seal)),
        send=_send(draw(st.lists(_fields, max_size=3))),
    )


@st.composite
def _partners(draw: Any) -> Partner:
    id = draw(st.sampled_from(["courier", "adverts"]))
    routes = draw(
        st.lists(
            _routes(id),
            max_size=2,
            unique_by=(lambda route: route.id, lambda route: (route.path, route.purpose)),
        )
    )
    base = a_set().partners[PartnerId(id)]
    return replace(
        base,
        kind=draw(st.sampled_from([Kind.PROCESSOR, Kind.AFFILIATE, Kind.SUCCESSOR])),
        territory=draw(st.sampled_from(["CN", "SG", "JP"])),
        state=draw(st.sampled_from(State)),
        agreement=draw(st.sampled_from([None, base.agreement])),
        deletion=draw(st.sampled_from([None, base.deletion])),
        accepted_edition=draw(st.sampled_from([None, "2026-1"])),
        routes=tuple(routes),
    )


@dataclass(frozen=True, repr=False)
class Made:
    """A set that hypothesis need not print."""

    policy: PolicySet


@st.composite
def _sets(draw: Any) -> Made:
    partners = draw(st.lists(_partners(), max_size=2, unique_by=lambda one: one.id))
    dropped = draw(st.sampled_from(["payment", "research", ""]))
    purposes = {id: one for id, one in a_set().purposes.items() if id != dropped}
    advertising = replace(
        purposes[PurposeId("advertising")],
        core=draw(st.booleans()),
        sale=draw(st.booleans()),
        version=draw(st.integers(1, 2)),
    )
    made = replace(
        a_set(),
        partners={one.id: one for one in partners},
        purposes=purposes | {advertising.id: advertising},
        territories=frozenset(draw(st.sets(st.sampled_from(["CN", "SG", "JP"])))),
    )
    return Made(made)


def _told(one: Difference, *, back: bool) -> tuple[Any, ...]:
    direction = one.direction.value
    if back and one.ordered:
        direction = STEPS[direction]
    before, after = (one.after, one.before) if back else (one.before, one.after)
    # A route that is renamed is told under its new id.
    return (one.what, one.partner, one.purpose, before, after, direction)


@given(_sets())
def test_a_set_does_not_differ_from_itself(one: Made) -> None:
    """Whatever it says."""
    assert compare(one.policy, one.policy).differences == ()


@promise("N1")
@given(_sets(), _sets())
def test_the_other_way_round_what_widened_narrows(one: Made, other: Made) -> None:
    """All but what has no order, which widens both ways; nothing is told one way only."""
    there, back = (
        compare(one.policy, other.policy).differences,
        compare(other.policy, one.policy).differences,
    )

    assert sorted(map(repr, (_told(each, back=False) for each in there))) == sorted(
        map(repr, (_told(each, back=True) for each in back))
    )


@promise("N1")
@given(_sets(), _sets())
def test_what_widens_names_only_shares_of_the_new_edition(one: Made, other: Made) -> None:
    """Nobody is asked again about a recipient that gets nothing."""
    live = {
        (partner.id, route.purpose)
        for partner in other.policy.partners.values()
        for route in partner.routes
    }
    found = compare(one.policy, other.policy)

    assert found.widening().keys() <= live
    assert all(why for why in found.widening().values())
    # And whoever is new is named.
    old = {
        (partner.id, route.purpose)
        for partner in one.policy.partners.values()
        for route in partner.routes
    }
    assert live - old <= found.widening().keys()


def test_directions_are_told_apart() -> None:
    """Every difference has one."""
    found = compare(a_set(), with_route("adverts", retention=timedelta(days=90)))

    assert [one.what.value for one in found.of(Direction.WIDENS)] == ["retention"]
    assert found.of(Direction.NARROWS) == found.of(Direction.NEUTRAL) == ()
    assert found.widening() == {ADVERTS: ("retention: 30d becomes 90d",)}


@promise("N1")
def test_widenings_last_and_the_newest_counts() -> None:
    """What an earlier edition widened goes on; the same sharing widened again begins anew."""
    old = Widening(edition="2026-1", since=SINCE - timedelta(days=9), what=("before",))
    found = compare(a_set(), with_route("adverts", retention=timedelta(days=90)))
    held = widened({ADVERTS: old, COURIER: old}, found, since=SINCE)

    assert held[COURIER] == old
    assert (held[ADVERTS].since, held[ADVERTS].what) == (SINCE, ("retention: 30d becomes 90d",))


@promise("N1")
def test_where_nobody_can_tell_everything_is_wider() -> None:
    """An edition before that cannot be read any more ends every consent."""
    held = widened_by_all({}, a_set(), since=SINCE, why="unreadable")

    assert held.keys() == {ADVERTS, COURIER}
    assert {one.what for one in held.values()} == {("unreadable",)}
