"""
Tokens and services that may call no more, whatever their signature says (P3).

A list has one of them a line; what follows `#` is a comment.

    token 5f3a…            the token with this id (`jti`)
    service order-service  every token of this service (`sub`)
    service sso/orders     … as this issuer names it
"""

from dataclasses import dataclass, field

from gateway.access.scopes import Service
from gateway.errors import CallerError, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocations:
    """A list, as it was read."""

    tokens: frozenset[str] = field(default=frozenset(), repr=False)
    """Ids (`jti`)."""
    services: frozenset[str] = frozenset()
    """Names, alone or behind an issuer's name and a slash."""

    def __or__(self, other: "Revocations") -> "Revocations":
        return Revocations(
            tokens=self.tokens | other.tokens, services=self.services | other.services
        )

    def check(self, service: Service) -> None:
        """Raise `CallerError` (`token-invalid`) for a service or token on the list."""
        names = {service.name, f"{service.issuer}/{service.name}"}
        if service.token_id in self.tokens or not names.isdisjoint(self.services):
            raise CallerError(
                Reason.TOKEN_INVALID,
                "the service token was revoked",
                remedy="Ask whoever runs the gateway why, and the issuer for a new one.",
            )


NOTHING = Revocations()


def read_revocations(text: str) -> tuple[Revocations, tuple[int, ...]]:
    """What a list says, and the numbers of the lines that cannot be read."""
    found: dict[str, set[str]] = {"token": set(), "service": set()}
    wrong = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split(maxsplit=1)
        if not words:
            continue
        if len(words) == 2 and words[0] in found:
            found[words[0]].add(words[1].strip())
        else:
            wrong.append(number)
    revocations = Revocations(
        tokens=frozenset(found["token"]), services=frozenset(found["service"])
    )
    return revocations, tuple(wrong)
