"""
What a bulk request is while it runs: its lines, the frames in which they leave, and what
concerns it as a whole (contract §6).
"""

from dataclasses import dataclass, field, replace
from time import perf_counter

from gateway.decide.engine import decide
from gateway.errors import CallerError, Reason
from gateway.flows.answers import Problem, Trail, problem_of
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Head, Incoming, read_head, subjects_of
from gateway.flows.outbound import Packed
from gateway.flows.share import refused_as
from gateway.flows.subjects import Person
from gateway.model.ids import PartnerId
from gateway.model.payload import Body
from gateway.model.recipients import SubjectFrom
from gateway.model.shares import Permitted, Refused


@dataclass(slots=True, kw_only=True)
class Line:
    """One line: what it says, what was decided, how it is answered."""

    number: int
    """From 1, in the order in which they came."""
    octets: Body | None
    """None: it was longer than a line may be."""
    person: Person | None = None
    understood: bool = False
    """It got as far as a decision."""
    permitted: Permitted | None = None
    packed: Packed | None = None
    """What leaves of it; None: nothing does."""
    declined: Problem | None = None
    recorded: bool = False
    """It has an intent, and `declined` is how that failed; no refusal of its own."""
    status: int = 0

    def decline(self, declined: Problem) -> None:
        """Nothing leaves of it."""
        self.declined, self.packed = declined, None


@dataclass(slots=True, kw_only=True)
class Frame:
    """So many lines as make one batch, with those between them that do not leave."""

    incoming: Incoming
    """With the share's id of this batch."""
    head: Head | Problem
    """As the policy in force says; a problem: from now on every line is refused."""
    lines: list[Line] = field(default_factory=list)
    size: int = 0
    """Bytes of its lines."""
    records: int = 0
    """How many of its lines were to leave when they were read."""
    waited: float = 0.0
    """How many seconds it has waited for lines."""
    decided: float
    """When its first lines were decided, on a clock that only runs."""
    epoch: int
    """Of the partner, then."""

    def leaving(self) -> list[Line]:
        """The records of the batch."""
        return [line for line in self.lines if line.packed is not None]


def open_frame(incoming: Incoming, gateway: Gateway) -> Frame:
    """
    The next frame of a request: another share, under the policy in force now. A
    request may last for hours, a policy need not.
    """
    own = replace(incoming, share=new_id("shr", gateway.random), trail=Trail())
    return Frame(
        incoming=own,
        head=head_of(own, gateway),
        decided=perf_counter(),
        epoch=epoch_of(own, gateway),
    )


def epoch_of(incoming: Incoming, gateway: Gateway) -> int:
    """The partner's epoch now."""
    return gateway.partners.state(PartnerId(incoming.partner)).epoch


def head_of(incoming: Incoming, gateway: Gateway) -> Head | Problem:
    """What `read_bulk` says now; a problem where it raises."""
    try:
        return read_bulk(incoming, gateway)
    except CallerError as error:
        return problem_of(error)


def read_bulk(incoming: Incoming, gateway: Gateway) -> Head:
    """
    What concerns the request as a whole: purpose, service, route, that the route
    takes bulk, and that it is for this purpose. The first that is wrong is raised
    as `CallerError`.
    """
    head = read_head(incoming, gateway.policy)
    standing = head.standing.route
    if standing.bulk_records is None:
        if standing.subject.source in (SubjectFrom.HEADER, SubjectFrom.PATH):
            subjects_of(incoming, head.standing, head.params, None)
        raise CallerError(
            Reason.BODY_TYPE_UNSUPPORTED,
            f"{standing.id} takes one record at a time",
            remedy="Send each record by itself, or declare bulk: on the route.",
        )
    _check_whole(incoming)
    _check_purpose(head, gateway)
    return head


def _check_whole(incoming: Incoming) -> None:
    """What a request of many records cannot ask for."""
    if incoming.one("idempotency-key") is not None:
        raise CallerError(
            Reason.REQUEST_INVALID,
            "a bulk request has many outcomes and takes no Idempotency-Key",
            remedy="Leave the header out, and repeat only lines whose answer says that "
            "nothing left.",
        )
    if incoming.prefers("respond-async"):
        raise CallerError(
            Reason.REQUEST_INVALID,
            "a bulk request is not queued",
            remedy="Leave respond-async out and read the answers as they come.",
        )


def _check_purpose(head: Head, gateway: Gateway) -> None:
    """Another purpose or version than the route's is refused once and not line by line."""
    own = head.route.route if head.route else None
    if own is not None and head.purpose_version in (None, own.purpose_version):
        return
    decision = decide(
        head.ask((), None),
        policy=head.policy.policy,
        partner=head.partner.partner,
        route=None,
        suspended=gateway.partners.state(head.partner.partner.id).suspended,
        facts=(),
        evidence=None,
        now=gateway.clock(),
    )
    if isinstance(decision, Refused) and (
        own is None or decision.reason is not Reason.PURPOSE_NOT_PERMITTED
    ):
        raise refused_as(decision)
    version = f"{own.purpose}@{own.purpose_version}" if own else "another purpose"
    raise CallerError(Reason.PURPOSE_NOT_PERMITTED, f"the route is for {version}")
