"""
A recipient uses a value that stayed with us (contract §4; S4c).

    signature -> token -> decide -> record -> seal

A redemption is decided as a share would be, by today's manifest, consents and
fences, and the token's own terms on top. Its leaf is durable before the value
leaves. The process may die at any `await`: the ledger may then name a redemption
whose answer nobody got, and the very same request within its five minutes gets
the value again without a further use.
"""

import hashlib

from gateway.decide.covering import uncovered
from gateway.decide.engine import decide
from gateway.errors import CallerError, Fenced, LedgerContradiction, Reason, Stale, StoreFailed
from gateway.flows import tokens
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id
from gateway.flows.evidence import registered
from gateway.flows.gateway import Gateway
from gateway.flows.signatures import refused, signed_claims
from gateway.flows.subjects import Person
from gateway.flows.tokens import Held, Kept
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.ids import PartnerId
from gateway.model.policy import Purpose
from gateway.model.recipients import Partner, Route
from gateway.model.shares import Ask, Permitted, Refused
from gateway.ports import Redeemed, Redemption
from gateway.seal.envelope import PreparedSealer
from gateway.seal.jws import SignatureRefused
from gateway.seal.keys import choose, parse_partner_keys
from gateway.seal.tokens import REDEMPTION_TYPE, Asked, RedemptionInvalid, check_claims
from gateway.shape.minimise import among

MAX_TRIES = 8

GRANTED = "granted"


async def redeem(gateway: Gateway, jws: str) -> str:
    """
    Redeem a token: the value, sealed for that recipient and purpose (compact JWE
    over its JSON text, `jti` the share that carried the token).

    Raises `CallerError`: 401 for what does not verify, 404 for an unknown token,
    403 for another recipient's, another purpose, a time or count that is over,
    and whatever would refuse a share now; `Declined` where the disk does not
    take the entry.
    """
    partner, asked = _verified(gateway, jws)
    digest = hashlib.sha256(jws.encode()).digest()
    for _ in range(MAX_TRIES):
        held = None
        try:
            held = await tokens.find(gateway, asked.token)
            kept = tokens.checked(
                held, partner=partner.id, purpose=asked.purpose, now=gateway.clock()
            )
            return await _granted(gateway, held, kept, asked, digest)
        except (Stale, Fenced):
            if held is not None:
                gateway.subjects.forget(held.person)
        except CallerError as error:
            await _record_refusal(gateway, partner.id, asked, held, error.reason)
            raise
    raise Declined(problem(Reason.LEDGER_UNAVAILABLE, "the facts of this person keep changing"))


def _verified(gateway: Gateway, jws: str) -> tuple[Partner, Asked]:
    try:
        partner, claims = signed_claims(gateway, jws, REDEMPTION_TYPE)
        asked = check_claims(
            claims, partner=partner.id, audience=gateway.issuer, now=gateway.clock()
        )
    except (SignatureRefused, RedemptionInvalid) as error:
        raise refused("redemption", str(error), "S4c") from None
    return partner, asked


async def _granted(gateway: Gateway, held: Held, kept: Kept, asked: Asked, digest: bytes) -> str:
    """Decide, record, seal. Raises `Stale` or `Fenced` where facts changed meanwhile."""
    person = held.person
    route = await _decided(gateway, kept, person)
    sealer = _sealer(gateway, kept, route)
    epoch = gateway.partners.state(kept.partner).epoch
    if person.row is None:
        raise Stale("the person is gone")
    became = await _recorded(
        gateway,
        Redemption(
            mark=held.stored.mark,
            partner=kept.partner,
            partner_epoch=epoch,
            jti=asked.jti,
            digest=digest,
            expires=asked.fresh_until,
            subject=person.row,
            leaf=_leaf(gateway, kept.partner, asked, GRANTED, held, kept),
        ),
    )
    _check_counted(became)
    # Right before the value leaves: is everything still as it was decided?
    if person.stale or gateway.partners.state(kept.partner).epoch != epoch:
        raise Stale("facts changed")
    gateway.metrics.redeemed(partner=kept.partner, result=GRANTED)
    gateway.log.info(
        "token-redeemed", partner=kept.partner, purpose=kept.purpose, share=held.stored.share
    )
    return sealer.seal(kept.value.encode(), share=held.stored.share, random=gateway.random)


async def _decided(gateway: Gateway, kept: Kept, person: Person) -> Route:
    """The route by which a share of this value would leave now. Raises the refusal."""
    ask = Ask(
        partner=kept.partner,
        purpose=kept.purpose,
        purpose_version=kept.purpose_version,
        ground=kept.ground,
        evidence=kept.evidence,
        subjects=(person.id,),
    )
    # The only wait: what follows looks at one moment, up to the epoch that is recorded.
    record = await registered(ask, gateway.store, gateway.subjects, gateway.secret("evidence"))
    policy = gateway.policy.policy
    partner = policy.partners.get(kept.partner)
    if partner is None:
        raise CallerError(Reason.PARTNER_NOT_ACTIVE, "this recipient has no manifest any more")
    route = _route(partner, kept)
    decision = decide(
        ask,
        policy=policy,
        partner=partner,
        route=route,
        suspended=gateway.partners.state(partner.id).suspended,
        facts=[person.facts],
        evidence=record,
        now=gateway.clock(),
    )
    match decision:
        case Refused():
            raise _refusal(decision)
        case Permitted() if route is not None:
            _check_field(kept, decision, policy.purposes.get(kept.purpose))
            return route
    raise CallerError(Reason.PURPOSE_NOT_PERMITTED)


def _route(partner: Partner, kept: Kept) -> Route | None:
    """The route that the token left by, as it stands now; else another for the same purpose."""
    for_purpose = [one for one in partner.routes if one.purpose == kept.purpose]
    by_name = (one for one in for_purpose if one.id == kept.route)
    return next(by_name, next(iter(for_purpose), None))


def _check_field(kept: Kept, permitted: Permitted, purpose: Purpose | None) -> None:
    """D2, D1: what carries the share may carry less than the route declares."""
    if not among(kept.category, permitted.categories):
        raise CallerError(Reason.EVIDENCE_NOT_VALID, "the evidence does not cover this value")
    refusal = uncovered(permitted, purpose, [kept.selector])
    if refusal is not None:
        raise _refusal(refusal)


def _refusal(told: Refused) -> CallerError:
    return CallerError(told.reason, told.detail, clauses=told.clauses, remedy=told.remedy)


def _sealer(gateway: Gateway, kept: Kept, route: Route) -> PreparedSealer:
    partner = gateway.policy.policy.partners[kept.partner]
    key = choose(parse_partner_keys(partner.jwks), kept.purpose)
    if key is None:
        raise CallerError(
            Reason.SEALING_KEY_MISSING, f"{partner.id} has no key to seal for {kept.purpose}"
        )
    return PreparedSealer.of(
        key,
        partner=partner.id,
        purpose=kept.purpose,
        purpose_version=kept.purpose_version or route.purpose_version,
    )


async def _recorded(gateway: Gateway, redemption: Redemption) -> Redeemed:
    try:
        became = await gateway.store.redeem(redemption)
    except (Stale, Fenced, LedgerContradiction):
        raise
    except StoreFailed as error:
        raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
    gateway.appended.set()
    return became


def _check_counted(became: Redeemed) -> None:
    match became:
        case Redeemed.USED_UP:
            raise tokens.not_permitted(
                "the token was redeemed as often as it may be",
                remedy="Ask for a new share if you still need the value.",
            )
        case Redeemed.TAKEN:
            raise refused("redemption", "its jti is that of another redemption", "S4c")
        case Redeemed.GRANTED:
            return


async def _record_refusal(
    gateway: Gateway, partner: PartnerId, asked: Asked, held: Held | None, reason: Reason
) -> None:
    """
    One leaf for a refusal; about the person only to whom the token was given. A
    disk that does not take it changes nothing: nothing left, and the refusal stands.
    """
    gateway.metrics.redeemed(partner=partner, result=reason.value)
    own = held if held is not None and held.stored.partner == partner else None
    leaf = _leaf(gateway, partner, asked, reason.value, own, None)
    try:
        await gateway.store.append([leaf])
        gateway.appended.set()
    except StoreFailed:
        gateway.log.warning("ledger-unavailable", code=reason.value)


def _leaf(
    gateway: Gateway,
    partner: PartnerId,
    asked: Asked,
    result: str,
    held: Held | None,
    kept: Kept | None,
) -> bytes:
    id = new_id("leaf", gateway.random)
    person = held.person if held and not held.person.facts.erased else None
    return canonical(
        entries.redemption(
            id=id,
            at=gateway.clock(),
            partner=partner,
            # What the recipient made up may be anything.
            purpose=asked.purpose if asked.purpose in gateway.policy.policy.purposes else "",
            result=result,
            share=held.stored.share if held else None,
            categories=[kept.category] if kept else None,
            token=entries.commitment(person.key, asked.token, id) if person else None,
            subject=entries.subject_mark(person.key, id) if person else None,
        )
    )
