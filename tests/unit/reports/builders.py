"""The default policy, once, and recipients whose names do their worst."""

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

from gateway.model.ids import PartnerId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner
from gateway.policy.load import load_home

ROOT = Path(__file__).resolve().parents[3]
ON = date(2026, 11, 22)
HOSTILE = '</td></style><script>alert(1)</script><img src=x onerror="a()">&amp;\u202egpj\x00\ud800'


@cache
def the_policy() -> PolicySet:
    """The default set."""
    return load_home(
        ROOT / "policies", ROOT / "partners", home_territory="CN", strict=False, today=ON
    ).policy


def with_partner(id: str, **changes: object) -> PolicySet:
    """The default set with one recipient changed."""
    policy = the_policy()
    partner: Partner = replace(policy.partners[PartnerId(id)], **changes)  # type: ignore[arg-type]
    return replace(policy, partners={**policy.partners, partner.id: partner})
