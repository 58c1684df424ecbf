"""
The rules of sharing once more, in a hundred lines, to judge the gateway by.

Written from REQUIREMENTS.md and the contract (§5 to §9), in their words, over the
plain documents. It imports nothing of the gateway, so what both get wrong, both
got wrong by themselves. Of leaves, seals and transforms it knows nothing.
"""

from datetime import datetime

from tests.promises.reference_world import NOBODY, Ask, Record, Said, World

# M2: where law permits, or to protect the minor. C3: neither waits for a switch.
WITHOUT_WORD = ("legal-obligation", "minor-protection")
LACKS = ("consent-missing", "consent-withdrawn", "consent-stale")
PARTNERS_GET, SCOPES = ("network", "device", "location"), ("sensitive", "cross-border")
# §8: of what was said at one moment a withdrawal counts, then what carries.
NEWEST = ("consent-withdrawn", None, "consent-missing", "consent-stale")


def objections(world: World, ask: Ask, now: datetime) -> list[str]:
    """The codes of all that stands against a share, as §6 orders them; none: it leaves."""
    to, people = world.recipients[ask.partner], [world.person(id) for id in ask.people]
    signed = to.get("agreement") if to["kind"] != "branch" else {}  # S4a, S6
    declared, ground = world.route(ask)["purpose"], world.ground(ask)
    wanted = f"{ask.purpose}@{ask.version or world.version(ask)}"
    purpose = world.rules["purposes"].get(ask.purpose, {"kinds": [], "grounds": []})
    words = [said(world, id, ask, None, now) for id in ask.people]
    scoped = {one: [said(world, id, ask, one, now)[0] for id in ask.people] for one in SCOPES}
    asked = ground == "consent" or not (purpose.get("core") or ground in WITHOUT_WORD)
    mixed = any(word.get("method") != "separate" for _, word in words)
    young = any(lack for one, (lack, _) in zip(people, words, strict=True) if one["minor"])
    against = {ask.purpose, "sale"} if purpose.get("sale") else {ask.purpose}
    touchy = ground == "consent" and world.categories(ask) & world.rules["sensitive"]
    abroad, proof = to["territory"] != world.rules["home"], proof_needed(world, ask)
    found = [
        ("service-not-permitted", not spoken_for(world, ask)),  # P5
        ("subject-missing", not people),  # R1
        ("subject-erased", any(one["erased"] for one in people)),  # A1, R2
        ("subject-restricted", any(fenced(world, id, ask, now) for id in ask.people)),  # R5
        ("partner-not-active", to.get("state") == "draft"),
        ("partner-suspended", ask.partner in world.suspended),
        ("agreement-missing", signed is None),
        ("agreement-expired", signed and not signed["signed"] <= now.date() < signed["expires"]),
        ("purpose-unknown", not purpose["kinds"]),  # S3
        ("purpose-not-permitted", to["kind"] not in purpose["kinds"] or wanted != declared),  # S2
        ("purpose-not-permitted", declared != f"{ask.purpose}@{purpose.get('version')}"),  # S3
        ("ground-not-permitted", not carries(world, ground, ask, to, purpose)),
        ("evidence-missing", proof and not ask.evidence),  # S1
        ("evidence-not-valid", proof and not proven(world, ask, proof, now)),  # S5, D2
        ("opted-out", any(against & one["opt_out"] for one in people)),  # C3
        ("opted-out", ask.gpc and purpose.get("sale")),  # R5
        ("guardian-consent-missing", young and ground not in WITHOUT_WORD),  # M1, M2
        *((lack, asked and lack in dict(words)) for lack in LACKS),  # S1, C3, R5
        ("separate-consent-missing", asked and purpose.get("separate_consent") and mixed),
        ("separate-consent-missing", touchy and any(scoped["sensitive"])),  # C2
        ("territory-not-permitted", abroad and to["territory"] not in world.rules["allowed"]),
        ("cross-border-consent-missing", abroad and any(scoped["cross-border"])),
    ]
    return [code for code, stands in found if stands]


def fields(world: World, ask: Ask) -> set[str]:
    """The selectors that may leave (S3); of a demand no more than it covers (D2)."""
    record = world.evidence.get(ask.evidence or "") if proof_needed(world, ask) else None
    limit, send = record and record["categories"], world.declared(ask).items()
    return {at for at, one in send if limit is None or one["category"] in {*limit, *NOBODY}}


def spoken_for(world: World, ask: Ask) -> bool:
    """§5: a token names partners, purposes, grounds; of grounds none: the route's default."""
    may = {"grounds": {world.route(ask)["ground"]}, **ask.may}
    wants = {"partners": ask.partner, "purposes": ask.purpose, "grounds": world.ground(ask)}
    return all(wants[key] in may.get(key, {wants[key]}) for key in wants)


def fenced(world: World, id: str, ask: Ask, now: datetime) -> bool:
    """§9: nothing inside an open scope; a withdrawal's ends with a newer consent."""
    lack, word = said(world, id, ask, None, now)
    mine = ({ask.partner}, {ask.purpose}, world.categories(ask))
    return any(
        all(not part or part & own for part, own in zip(scope, mine, strict=True))
        and not (until and not lack and word["granted_at"] > until)
        for *scope, until in world.person(id)["fences"].values()
    )


def carries(world: World, ground: str, ask: Ask, to: Record, purpose: Record) -> bool:
    """S1: a ground that the purpose lists; what stands in for a person's word has limits."""
    profit = purpose.get("commercial") and ground == "rights-protection"  # S5
    more = any(one.split(".")[0] not in PARTNERS_GET for one in world.categories(ask))  # S3
    unbound = to["kind"] == "successor" and to["accepted_edition"] != world.rules["edition"]  # T4
    barred = profit or unbound or (to["kind"] == "partner" and more)
    return ground in purpose["grounds"] and (ground == "consent" or not barred)


def proof_needed(world: World, ask: Ask) -> str | None:
    """§7: what must prove the ground, a registered `record` or a `claim`."""
    ground, authority = world.ground(ask), world.recipients[ask.partner]["kind"] == "authority"
    claim = None if ground in ("consent", "core-function") else "claim"
    return "record" if authority or ground in ("dispute", "rights-protection") else claim


def proven(world: World, ask: Ask, proof: str, now: datetime) -> bool:
    """S1, S5, D2: the record fits partner, purpose, people, time and something that leaves."""
    record = world.evidence.get(ask.evidence or "")
    if record is None:
        return proof == "claim" or not ask.evidence
    fits = (record["partner"], now < record["expires"]) == (ask.partner, True)
    covers = set(ask.people) <= set(record["subjects"] or ask.people)
    leaves = record["categories"] is None or record["categories"] & world.categories(ask)
    return bool(fits and covers and leaves and ask.purpose in record["purposes"])


def said(world: World, id: str, ask: Ask, scope: str | None, now: datetime) -> Said:
    """§8: what the newest event lacks to carry this, None where nothing, and its record."""
    minor = world.person(id)["minor"]
    events = [
        (one["withdrawn"] or one["granted_at"], one)
        for one in world.consents
        if (one["subject"], one["purpose"], one["scope"]) == (id, ask.purpose, scope)
        and one["partner"] in (None, ask.partner)
        and (one["withdrawn"] or not minor or one["by"] == "guardian")  # M1
    ]
    last = max((at for at, _ in events), default=None)
    judged = [(lack(world, one, ask, scope, now), one) for at, one in events if at == last]
    judged.sort(key=lambda each: (NEWEST.index(each[0]), each[1]["method"] != "separate"))
    return next(iter(judged), ("consent-missing", {}))


def lack(world: World, one: Record, ask: Ask, scope: str | None, now: datetime) -> str | None:
    """What one record lacks."""
    if one["withdrawn"]:
        return "consent-withdrawn"
    active = world.rules["purposes"].get(ask.purpose, {}).get("active_choice")
    if one["method"] == "implied" and (active or scope or one["by"] == "guardian"):  # C6, M2
        return "consent-missing"
    old = one["version"] != world.version(ask) or one["granted_at"] < world.wider_since(ask)
    # S2, N1: to another version, or to less than what an edition lets out now.
    return "consent-stale" if old or (one["expires"] and one["expires"] <= now) else None
