"""
The rules of sharing once more, in a hundred lines, to judge the gateway by.

Written from REQUIREMENTS.md and the contract (§5 to §9), in their words, over the
plain documents. It imports nothing of the gateway, so what both get wrong, both
got wrong by themselves. Of leaves, seals and transforms it knows nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Record = dict[str, Any]
# M2: where law permits, or to protect the minor. C3: neither waits for a switch.
WITHOUT_WORD = ("legal-obligation", "minor-protection")
# §6: what is wrong with a consent, in the order in which it counts.
LACKS = ("consent-missing", "consent-withdrawn", "consent-stale")


@dataclass(kw_only=True)
class Ask:
    """One share, as a service asks for it. `may`: what the token names, by its claims."""

    partner: str
    route: str
    purpose: str
    people: list[str]
    version: int | None = None
    ground: str | None = None
    evidence: str | None = None
    gpc: bool = False
    may: Record = field(default_factory=dict)


@dataclass(kw_only=True)
class Model:
    """What the documents say, and what happened to people and recipients since."""

    rules: Record
    """`home`, `edition`, `territories`, `categories`, `purposes`, `grounds`, `kinds`."""
    recipients: dict[str, Record]
    suspended: set[str] = field(default_factory=set)
    evidence: dict[str, Record] = field(default_factory=dict)
    consents: dict[str, list[Record]] = field(default_factory=dict)
    people: dict[str, Record] = field(default_factory=dict)

    def person(self, id: str) -> Record:
        """§8: who is unknown is an adult without objections."""
        unknown = {"minor": False, "opt_out": set(), "erased": False, "fences": []}
        return self.people.setdefault(id, unknown)

    def same_person(self, one: str, other: str) -> None:
        """§8: erasure, restriction, minority and opt-out cover all aliases."""
        kept, gone = self.person(one), self.person(other)
        if kept is not gone:
            kept.update({key: kept[key] or gone[key] for key in ("minor", "erased")})
            kept["opt_out"] |= gone["opt_out"]
            kept["fences"] += gone["fences"]
            self.people |= {id: kept for id, known in self.people.items() if known is gone}

    def objections(self, ask: Ask, now: datetime) -> list[str]:
        """The code of everything that stands against a share, as §6 orders them; none: it leaves."""
        to, who = self.recipients[ask.partner], [self.person(one) for one in ask.people]
        agreement, bound = to.get("agreement"), self.kind(ask).get("agreement", True)
        purpose = self.rules["purposes"].get(ask.purpose)
        found = [
            ("service-not-permitted", not self.spoken_for(ask)),  # P5
            ("subject-missing", not who),  # R1
            ("subject-erased", any(one["erased"] for one in who)),  # A1
            ("subject-restricted", any(self.fenced(one, ask, now) for one in ask.people)),  # R5
            ("partner-not-active", to.get("state") == "draft"),
            ("partner-suspended", ask.partner in self.suspended),
            ("agreement-missing", bound and not agreement),  # S4a, S6
            ("agreement-expired", bound and agreement and not runs(agreement, now)),
            ("purpose-unknown", purpose is None),  # S3
            *(self.about_purpose(ask, to, purpose, who, now) if purpose else ()),
        ]
        return [code for code, stands in found if stands]

    def about_purpose(
        self, ask: Ask, to: Record, purpose: Record, who: list[Record], now: datetime
    ) -> list[tuple[str, Any]]:
        """What of it depends on the purpose."""
        ground, abroad = self.ground(ask), to["territory"] != self.rules["home"]
        words = {one: self.word(one, ask, None, now)[0] for one in ask.people}
        alone = [self.word(one, ask, None, now)[1] == "separate" for one in ask.people]
        asked = ground == "consent" or not (purpose["core"] or ground in WITHOUT_WORD)  # S1, C3
        objected = {ask.purpose, "sale"} if purpose.get("sale") else {ask.purpose}
        declared = f"{ask.purpose}@{purpose['version']}", ask.version or purpose["version"]
        proof, given = self.proof_needed(ask), ask.evidence is not None
        return [
            ("purpose-not-permitted", to["kind"] not in purpose["kinds"]),  # S2
            ("purpose-not-permitted", declared != (self.route(ask)["purpose"], purpose["version"])),
            ("ground-not-permitted", not self.grounded(ask, to, purpose)),  # S1, S3, S5, T4
            ("evidence-missing", proof and not given),  # S1
            ("evidence-not-valid", proof and given and not self.proven(ask, now)),  # S5, D2
            ("opted-out", purpose.get("sale") and ask.gpc),  # R5
            ("opted-out", any(one["opt_out"] & objected for one in who)),  # C3
            ("guardian-consent-missing", any(  # M1, M2
                words[id] for id, one in zip(ask.people, who, strict=True) if one["minor"]
            ) and ground not in WITHOUT_WORD),
            *((lack, asked and lack in words.values()) for lack in LACKS),
            ("separate-consent-missing", asked and purpose.get("separate_consent") and not all(alone)),
            ("separate-consent-missing", ground == "consent" and self.sensitive(ask)  # C2
             and self.lacking(ask, "sensitive", now)),
            ("territory-not-permitted", abroad and to["territory"] not in self.rules["territories"]),
            ("cross-border-consent-missing", abroad and self.lacking(ask, "cross-border", now)),  # K1
        ]
