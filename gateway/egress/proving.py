"""How one partner's requests carry the proof of who sends them (contract §7, `upstream.auth`)."""

from collections.abc import Callable
from datetime import UTC, datetime

from multidict import CIMultiDict

from gateway.egress.auth import HTTP_SIGNATURE, OAUTH2, credentials
from gateway.egress.oauth2 import Post, TokenSource
from gateway.egress.references import Secrets
from gateway.egress.signatures import Signer
from gateway.model.recipients import Auth
from gateway.ports import Outgoing

WallClock = Callable[[], datetime]

UNAUTHORIZED = 401


def wall_clock() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Prover:
    """
    Adds the proof to requests, whatever the manifest's scheme needs for it.

    `post` sends the request for an OAuth 2.0 token.
    """

    def __init__(
        self, partner: str, auth: Auth, *, secrets: Secrets, post: Post, clock: WallClock
    ) -> None:
        self._auth = auth
        self._secrets = secrets
        self._clock = clock
        self._signer = Signer(auth, secrets) if auth.scheme == HTTP_SIGNATURE else None
        self._tokens = (
            TokenSource(partner, auth, secrets=secrets, post=post)
            if auth.scheme == OAUTH2
            else None
        )

    async def prove(self, request: Outgoing, headers: CIMultiDict[str]) -> None:
        """
        Add the proof to the headers of a request that is otherwise complete.

        Raises `SecretMissing`, and `PartnerUnreachable` where no token can be had.
        """
        if self._tokens is not None:
            headers["Authorization"] = f"Bearer {await self._tokens.token()}"
        elif self._signer is not None:
            self._signer.sign(request.method, request.url, headers, request.body, self._clock())
        else:
            name, value = credentials(self._auth, self._secrets)
            headers[name] = value

    def answered(self, status: int, headers: CIMultiDict[str]) -> None:
        """The partner answered so. A token that it did not take is asked for anew next time."""
        if status == UNAUTHORIZED and self._tokens is not None:
            self._tokens.refused(headers.get("Authorization", "").removeprefix("Bearer "))

    def close(self) -> None:
        """From now on nothing goes on that no share waits for."""
        if self._tokens is not None:
            self._tokens.close()
