"""
A participant of the IAB Tech Lab Data Deletion Request Framework 1.0: a recipient
and a requester in one, written from the specification's text and with other people's
libraries. It imports nothing of the gateway, so what the two agree on is the text.

A real HTTP server on loopback: `/dsrdelete.json` and `/api/delete`. As the recipient
it verifies an rqJWT and the idJWT in it under the keys that their issuers publish, and
answers with an acJWT; `behave` has it do that wrongly. As the requester it signs
requests, right ones and wrong ones.

    async with Participant("vendor.example", clock=now) as vendor:
        vendor.issuers["app.example"] = "http://127.0.0.1:8081/dsrdelete.json"
        ...
        assert vendor.asked[0].type == "ppuid"
"""

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import jwt
from aiohttp import web
from jwcrypto.jwk import JWK

VERSION = "1.0"
CLOCK_SKEW_SECONDS = 300
PATH = "/api/delete"
ALGORITHMS = {"P-256": "ES256", "Ed25519": "EdDSA"}


@dataclass(frozen=True)
class Request:
    """A request that was verified and taken."""

    jti: str
    identity_jti: str
    issuer: str
    value: str = field(repr=False)
    type: str
    format: str
    raw: str = field(repr=False)


class Wrong(Exception):
    """What is wrong with a request, as a result code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass
class Behaviour:
    """How the recipient answers; by default as the framework says."""

    code: int | None = None
    """Answer with this result code whatever came."""
    status: int | None = None
    """Answer with this HTTP status."""
    silent: bool = False
    """Answer without an acJWT."""
    stranger: bool = False
    """Sign with a key that is not published, under the published one's name."""
    unknown_key: bool = False
    """Sign with a key that is not published, under a name of its own."""
    algorithm: str | None = None
    """Write another `alg` into the header than the key's."""
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Members of the acJWT that are put in place of the right ones."""
    without: tuple[str, ...] = ()
    """Members that are left out."""
    headers: Mapping[str, str] = field(default_factory=dict)
    form: str = "token"
    """`token`, `text` (a JSON string) or `object` (`{"acJWT": …}`)."""


USUAL = Behaviour()


class Participant:
    """One domain that speaks the framework."""

    def __init__(
        self,
        domain: str,
        *,
        clock: Callable[[], datetime],
        identifiers: tuple[tuple[str, str], ...] = (("ppuid", "plaintext"),),
        curve: str = "P-256",
    ) -> None:
        self.domain = domain
        self.identifiers = identifiers
        self.issuers: dict[str, str] = {}
        """Where the dsrdelete.json of each issuer is, in place of `https://{issuer}/`."""
        self.asked: list[Request] = []
        """What was taken."""
        self.refused: list[int] = []
        """Codes that were answered other than 0."""
        self.answers: list[Behaviour] = []
        """How the next requests are answered; after that as usual."""
        self.discovered = 0
        """How often its document was read."""
        self.document: dict[str, Any] | bytes | None = None
        """In place of the right document; bytes are sent as they are."""
        self.document_status = 200
        self.seen: set[tuple[str, str]] = set()
        self._clock = clock
        self._curve = curve
        self._stranger = self._key("stranger")
        self.rotate("2026-1")

    def rotate(self, kid: str) -> None:
        """From now on sign with a new key; the old one is published no more."""
        self.key = self._key(kid)

    @property
    def url(self) -> str:
        """Where its server is."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def document_url(self) -> str:
        """Where its dsrdelete.json is."""
        return f"{self.url}/dsrdelete.json"

    def public_key(self) -> dict[str, Any]:
        """The JWK that it publishes."""
        public: dict[str, Any] = json.loads(self.key.export_public())
        return public

    def dsrdelete(self) -> dict[str, Any]:
        """Its dsrdelete.json."""
        return {
            "endpoint": f"{self.url}{PATH}",
            "identifiers": [
                {"id": number, "type": kind, "format": form}
                for number, (kind, form) in enumerate(self.identifiers, start=1)
            ],
            "publicKey": [self.public_key()],
            "vendorScriptRequirement": False,
        }

    async def __aenter__(self) -> "Participant":
        application = web.Application()
        application.router.add_get("/dsrdelete.json", self._get_document)
        application.router.add_post(PATH, self._post_request)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self._runner.cleanup()

    # As the requester.

    def identity(self, sub: Any, **changes: Any) -> str:
        """An idJWT, unless `changes` say otherwise."""
        claims = {"version": VERSION, "jti": uuid.uuid4().hex, "iss": self.domain, "sub": sub}
        return self.sign({**claims, "iat": self._now(), **changes})

    def request(
        self,
        value: str,
        kind: str = "subject",
        form: str = "plaintext",
        *,
        without: tuple[str, ...] = (),
        key: JWK | None = None,
        **changes: Any,
    ) -> str:
        """An rqJWT of a 1st party, unless the arguments say otherwise."""
        sub = {"identifierValue": value, "identifierType": kind, "identifierFormat": form}
        claims = {
            "version": VERSION,
            "idJWT": self.identity(sub),
            "jti": uuid.uuid4().hex,
            "iss": self.domain,
            "sub": sub,
            "iat": self._now(),
            **changes,
        }
        return self.sign({k: v for k, v in claims.items() if k not in without}, key)

    def sign(self, claims: Mapping[str, Any], key: JWK | None = None) -> str:
        """A JWT by its key, with the header that the framework has."""
        return _sign(claims, key or self.key)

    async def send(self, endpoint: str, token: str, content: str = "application/jwt") -> "Reply":
        """POST an rqJWT, and verify the acJWT that comes back."""
        headers = {"Content-Type": content}
        async with self._session.post(endpoint, data=token, headers=headers) as response:
            body = (await response.read()).decode()
            return Reply(response.status, body)

    async def verified(self, reply: "Reply", issuer: str, sent: str) -> dict[str, Any]:
        """The claims of an acJWT over `sent`, verified under its issuer's published keys."""
        claims = await self._verify(reply.body, issuer)
        for name in ("version", "rqJWT", "jti", "iss", "iat", "raResultCode"):
            if name not in claims:
                raise AssertionError(f"the acknowledgement has no {name}")
        if claims["rqJWT"] != sent or claims["iss"] != issuer:
            raise AssertionError("the acknowledgement is of another request, or issuer")
        return claims

    # As the recipient.

    async def _get_document(self, request: web.Request) -> web.Response:
        self.discovered += 1
        if isinstance(self.document, bytes):
            return web.Response(status=self.document_status, body=self.document)
        document = self.dsrdelete() if self.document is None else self.document
        return web.json_response(document, status=self.document_status)

    async def _post_request(self, request: web.Request) -> web.Response:
        raw = (await request.read()).decode()
        behaviour = self.answers.pop(0) if self.answers else USUAL
        code, why = 0, None
        try:
            taken = await self._read(raw)
            if behaviour.code is None:
                self.asked.append(taken)
        except Wrong as error:
            code, why = error.code, str(error)
        code = code if behaviour.code is None else behaviour.code
        if code:
            self.refused.append(code)
        status = behaviour.status or (202 if code == 0 else 400)
        if behaviour.silent:
            return web.Response(status=status, headers=behaviour.headers)
        token = self._acknowledge(raw, code, why, behaviour)
        return _in_form(token, status, behaviour)

    async def _read(self, raw: str) -> Request:
        claims = await self._issued(raw, "jti", "idJWT", "sub")
        identity = await self._issued(claims["idJWT"], "jti", "sub")
        if not -CLOCK_SKEW_SECONDS <= self._now() - claims["iat"] <= 24 * 3600:
            raise Wrong(6, "iat")
        sub = claims["sub"]
        wanted = ("identifierValue", "identifierType", "identifierFormat")
        if not isinstance(sub, dict) or not all(isinstance(sub.get(one), str) for one in wanted):
            raise Wrong(1, "sub")
        kinds = {kind for kind, _ in self.identifiers}
        if sub["identifierType"] not in kinds:
            raise Wrong(4, "identifierType")
        if (sub["identifierType"], sub["identifierFormat"]) not in self.identifiers:
            raise Wrong(5, "identifierFormat")
        mark = (claims["iss"], claims["jti"])
        if mark in self.seen:
            raise Wrong(3, "jti was seen before")
        self.seen.add(mark)
        return Request(
            jti=claims["jti"],
            identity_jti=identity["jti"],
            issuer=claims["iss"],
            value=sub["identifierValue"],
            type=sub["identifierType"],
            format=sub["identifierFormat"],
            raw=raw,
        )

    async def _issued(self, token: str, *needed: str) -> dict[str, Any]:
        """A JWT's claims, verified under the keys that its issuer publishes."""
        try:
            claims = jwt.decode(token, options={"verify_signature": False, "verify_sub": False})
        except jwt.InvalidTokenError:
            raise Wrong(3, "not a JWT") from None
        missing = [name for name in ("version", "iss", "iat", *needed) if name not in claims]
        if missing:
            raise Wrong(1, f"{missing[0]} is missing")
        return await self._verify(token, claims["iss"])

    async def _verify(self, token: str, issuer: str) -> dict[str, Any]:
        where = self.issuers.get(issuer, f"https://{issuer}/dsrdelete.json")
        async with self._session.get(where) as response:
            if response.status != 200:
                raise Wrong(2, "the issuer has no document")
            document = await response.json()
        header = jwt.get_unverified_header(token)
        keys = [key for key in document["publicKey"] if key.get("kid") == header.get("kid")]
        if header.get("typ") != "JWT" or len(keys) != 1:
            raise Wrong(2, "no such key")
        key = jwt.PyJWK(keys[0])
        options = {"verify_sub": False, "verify_aud": False, "verify_iat": False}
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHMS[keys[0]["crv"]]],
                options={**options, "verify_exp": False},
            )
        except jwt.InvalidTokenError:
            raise Wrong(2, "the signature does not verify") from None
        return claims

    def _acknowledge(self, raw: str, code: int, why: str | None, how: Behaviour) -> str:
        claims: dict[str, Any] = {
            "version": VERSION,
            "rqJWT": raw,
            "jti": uuid.uuid4().hex,
            "iss": self.domain,
            "iat": self._now(),
            "raResultCode": code,
        }
        if why is not None:
            claims["raResultString"] = why
        claims |= how.claims
        kept = {name: value for name, value in claims.items() if name not in how.without}
        if how.unknown_key:
            return _sign(kept, self._stranger)
        kid = self.key["kid"]
        if how.stranger:
            return _sign(kept, self._stranger, kid=kid)
        return _sign(kept, self.key, algorithm=how.algorithm)

    def _key(self, kid: str) -> JWK:
        kind = {"P-256": "EC", "Ed25519": "OKP"}[self._curve]
        return JWK.generate(kty=kind, crv=self._curve, kid=kid)

    def _now(self) -> int:
        return int(self._clock().timestamp())


@dataclass(frozen=True)
class Reply:
    """What a requester was answered."""

    status: int
    body: str = field(repr=False)


def _sign(
    claims: Mapping[str, Any], key: JWK, *, kid: str | None = None, algorithm: str | None = None
) -> str:
    members = json.loads(key.export_private())
    own = ALGORITHMS[members["crv"]]
    header = {"alg": algorithm or own, "kid": kid or members["kid"], "typ": "JWT"}
    # By hand: a library makes no wrong header, nor a `sub` that is an object.
    text = ".".join(_b64(json.dumps(part).encode()) for part in (header, claims))
    signer = jwt.PyJWK({**members, "alg": own})
    return f"{text}.{_b64(signer.Algorithm.sign(text.encode(), signer.key))}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _in_form(token: str, status: int, behaviour: Behaviour) -> web.Response:
    headers = dict(behaviour.headers)
    if behaviour.form == "object":
        return web.json_response({"acJWT": token}, status=status, headers=headers)
    if behaviour.form == "text":
        return web.json_response(token, status=status, headers=headers)
    return web.Response(status=status, text=token, content_type="application/jwt", headers=headers)
