"""
OpenDSR 2.0 (formerly OpenGDPR), written from the specification's text and with other
people's libraries: a processor that is asked, and a controller that asks. It imports
nothing of the gateway, so what the two agree on is the text.

Real HTTP servers on loopback. The processor has a certificate of an authority of its
own, signs what it answers, and calls back; `behave` has it do that wrongly. The
controller verifies every answer under the processor's certificate.

    async with Processor("vendor.example", clock=now) as vendor:
        ...
        (asked,) = vendor.asked.values()
        await vendor.report(asked.id, "completed")
"""

import asyncio
import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import aiohttp
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
REQUIRED = (
    "regulation",
    "subject_request_id",
    "subject_request_type",
    "subject_identities",
    "submitted_time",
)


@cache
def own_key(name: str) -> Any:
    """A key by name, made once: RSA for the processor, as is usual, which takes long to make."""
    if name == "processor":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


class Authority:
    """A certificate authority of its own."""

    def __init__(self, name: str = "Example Authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = {
            **dict.fromkeys(
                (
                    *("content_commitment", "key_encipherment", "data_encipherment"),
                    *("key_agreement", "encipher_only", "decipher_only", "digital_signature"),
                ),
                False,
            ),
            "key_cert_sign": True,
            "crl_sign": True,
        }
        public = self._key.public_key()
        self.certificate = (
            self._begun(self._name, public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> str:
        """Its own certificate."""
        return pem_of(self.certificate)

    def issued(self, domain: str, public: Any, *, days: int = 30) -> x509.Certificate:
        """A certificate for a domain; `days` below 0: one that is over."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            self._begun(name, public, days=days)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _begun(self, name: x509.Name, public: Any, *, days: int = 30) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=90))
            .not_valid_after(now + timedelta(days=days))
        )


@dataclass
class Asked:
    """A request that was taken."""

    id: str
    identities: list[tuple[str, str, str]]
    """Type, value and format of each."""
    callbacks: list[str]
    regulation: str
    raw: bytes = field(repr=False)
    status: str = "pending"
    extensions: dict[str, Any] = field(default_factory=dict)


@dataclass
class Behaviour:
    """How the processor signs and answers; by default as the specification says."""

    status: int | None = None
    """Answer with this HTTP status, and take nothing."""
    forget: bool = False
    """Take the request, and answer as if it were malformed."""
    unsigned: bool = False
    stranger: bool = False
    """Sign with a key that no certificate has."""
    domain: str | None = None
    """Name another domain in the header."""
    prefix: str = "X-OpenDSR"
    folded: bool = False
    """White space inside the signature, as from a header that was folded."""
    members: Mapping[str, Any] = field(default_factory=dict)
    """Put in place of the right members."""
    headers: Mapping[str, str] = field(default_factory=dict)


USUAL = Behaviour()


class Processor:
    """One domain that is asked."""

    def __init__(
        self,
        domain: str,
        *,
        clock: Callable[[], datetime],
        identities: tuple[tuple[str, str], ...] = (("controller_customer_id", "raw"),),
        path: str = "/requests",
    ) -> None:
        self.domain = domain
        self.identities = identities
        self.path = path
        self.types = ["access", "portability", "erasure"]
        self.asked: dict[str, Asked] = {}
        self.refused: list[str] = []
        """Why requests were malformed."""
        self.posts = 0
        self.polls = 0
        self.discovered = 0
        self.behave: list[Behaviour] = []
        """How the next answers are made; after that as usual."""
        self.certificate_status = 200
        self.authority = Authority()
        self._clock = clock
        self._key: Any = own_key("processor")
        self.certify()

    def certify(self, *, domain: str | None = None, days: int = 30, key: Any = None) -> None:
        """From now on it has this certificate."""
        self._key = key or self._key
        public = self._key.public_key()
        self.certificate = self.authority.issued(domain or self.domain, public, days=days)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._port}/v2"

    @property
    def pem(self) -> str:
        """Its certificate."""
        return pem_of(self.certificate)

    async def __aenter__(self) -> "Processor":
        application = web.Application()
        application.router.add_get("/v2/discovery", self._discovery)
        application.router.add_get("/cert.pem", self._certificate)
        application.router.add_post(f"/v2{self.path}", self._post)
        application.router.add_get(f"/v2{self.path}/{{id}}", self._get)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def report(
        self,
        id: str,
        status: str,
        *,
        how: Behaviour = USUAL,
        url: str | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> int:
        """Set a request's status and call back; the HTTP status of the last answer."""
        asked = self.asked[id]
        asked.status, asked.extensions = status, dict(extensions or {})
        answered = 0
        for one in asked.callbacks:
            body = self._body({**self._members(asked), "status_callback_url": one}, how)
            headers = {"Content-Type": "application/json", **self._signed(body, how)}
            async with self._session.post(url or one, data=body, headers=headers) as response:
                answered = response.status
        return answered

    async def _discovery(self, request: web.Request) -> web.Response:
        self.discovered += 1
        return web.json_response(
            {
                "api_version": "2.0",
                "supported_identities": [
                    {"identity_type": kind, "identity_format": form}
                    for kind, form in self.identities
                ],
                "supported_subject_request_types": self.types,
                "processor_certificate": f"http://127.0.0.1:{self._port}/cert.pem",
            }
        )

    async def _certificate(self, request: web.Request) -> web.Response:
        return web.Response(text=self.pem, status=self.certificate_status)

    async def _post(self, request: web.Request) -> web.Response:
        self.posts += 1
        raw = await request.read()
        how = self.behave.pop(0) if self.behave else USUAL
        if how.status is not None:
            return web.Response(status=how.status, headers=how.headers)
        try:
            asked = self._read(raw)
        except ValueError as error:
            self.refused.append(str(error))
            return self._error(str(error))
        if how.forget:
            return self._error("subject_request_id was seen before")
        body = self._body(
            {
                **self._members(asked),
                "received_time": _stamp(self._clock()),
                "encoded_request": base64.b64encode(raw).decode(),
            },
            how,
            without=("request_status", "extensions"),
        )
        return self._answer(body, how, 201)

    def _read(self, raw: bytes) -> Asked:
        value = json.loads(raw)
        for name in REQUIRED:
            if name not in value:
                raise ValueError(f"{name} is required")
        id = value["subject_request_id"]
        if not UUID4.fullmatch(id):
            raise ValueError("subject_request_id is not a lowercase UUID v4")
        if value["subject_request_type"] not in self.types:
            raise ValueError("subject_request_type is not supported")
        if value["regulation"] not in ("gdpr", "ccpa"):
            raise ValueError("regulation is not supported")
        datetime.fromisoformat(value["submitted_time"])
        named = [
            (one["identity_type"], one["identity_value"], one["identity_format"])
            for one in value["subject_identities"]
        ]
        if not named or any((kind, form) not in self.identities for kind, _, form in named):
            raise ValueError("subject_identities holds one that is not supported")
        asked = Asked(
            id=id,
            identities=named,
            callbacks=value.get("status_callback_urls", []),
            regulation=value["regulation"],
            raw=raw,
        )
        # The same id is the same request.
        return self.asked.setdefault(id, asked)

    async def _get(self, request: web.Request) -> web.Response:
        self.polls += 1
        how = self.behave.pop(0) if self.behave else USUAL
        if how.status is not None:
            return web.Response(status=how.status, headers=how.headers)
        asked = self.asked.get(request.match_info["id"])
        if asked is None:
            return web.Response(status=404)
        return self._answer(self._body(self._members(asked), how), how, 200)

    def _members(self, asked: Asked) -> dict[str, Any]:
        return {
            "controller_id": "app",
            "expected_completion_time": _stamp(self._clock() + timedelta(days=10)),
            "subject_request_id": asked.id,
            "request_status": asked.status,
            "api_version": "2.0",
            "results_url": None,
            **({"extensions": asked.extensions} if asked.extensions else {}),
        }

    def _body(
        self, members: Mapping[str, Any], how: Behaviour, *, without: tuple[str, ...] = ()
    ) -> bytes:
        said = {**members, **how.members}
        return json.dumps({k: v for k, v in said.items() if k not in without}).encode()

    def _answer(self, body: bytes, how: Behaviour, status: int) -> web.Response:
        headers = {**self._signed(body, how), **how.headers}
        return web.Response(
            status=status, body=body, headers=headers, content_type="application/json"
        )

    def _signed(self, body: bytes, how: Behaviour) -> dict[str, str]:
        domain = how.domain or self.domain
        headers = {f"{how.prefix}-Processor-Domain": domain}
        if how.unsigned:
            return headers
        key = own_key("stranger") if how.stranger else self._key
        signature = sign(key, body)
        if how.folded:
            signature = " ".join(signature[at : at + 76] for at in range(0, len(signature), 76))
        return {**headers, f"{how.prefix}-Signature": signature}

    def _error(self, message: str) -> web.Response:
        return web.json_response({"error": {"code": 400, "message": message}}, status=400)


@dataclass(frozen=True)
class Called:
    """A callback that was verified."""

    path: str
    members: dict[str, Any]


class Controller:
    """Who asks a processor, and is called back; it believes nothing that is not signed."""

    def __init__(self, *, domain: str, authority: Authority) -> None:
        self.domain = domain
        """Of the processor, as it was agreed."""
        self.called: list[Called] = []
        self.refuse = 0
        """How many callbacks are answered 503 first."""
        self._authority = authority
        self._heard = asyncio.Event()

    @property
    def callback_url(self) -> str:
        """Where it is called back."""
        return f"http://127.0.0.1:{self._port}/opendsr/callbacks"

    async def __aenter__(self) -> "Controller":
        application = web.Application()
        application.router.add_post("/opendsr/callbacks", self._callback)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def trust(self, pem: bytes) -> None:
        """Take a processor's certificate: issued by the authority, to the domain."""
        certificate = x509.load_pem_x509_certificate(pem)
        certificate.verify_directly_issued_by(self._authority.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        if self.domain not in names.value.get_values_for_type(x509.DNSName):
            raise AssertionError("the certificate is another domain's")
        self._public: Any = certificate.public_key()

    def request(self, value: str, **changes: Any) -> dict[str, Any]:
        """A request to erase, unless the arguments say otherwise."""
        identity = {
            "identity_type": "controller_customer_id",
            "identity_value": value,
            "identity_format": "raw",
        }
        members = {
            "regulation": "gdpr",
            "subject_request_id": str(uuid.uuid4()),
            "subject_request_type": "erasure",
            "submitted_time": "2026-11-20T10:00:00Z",
            "subject_identities": [identity],
            "api_version": "2.0",
            "status_callback_urls": [self.callback_url],
        }
        return {k: v for k, v in {**members, **changes}.items() if v is not None}

    def verified(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """The members of an answer of the processor."""
        found = {name.lower(): value for name, value in headers.items()}
        if found.get("x-opendsr-processor-domain") != self.domain:
            raise AssertionError("another domain")
        verify(self._public, found["x-opendsr-signature"], body)
        members: dict[str, Any] = json.loads(body)
        return members

    async def until_called(self, count: int) -> None:
        """Wait for so many callbacks; five seconds at most."""
        async with asyncio.timeout(5):
            while len(self.called) < count:
                self._heard.clear()
                await self._heard.wait()

    async def _callback(self, request: web.Request) -> web.Response:
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=503)
        members = self.verified(request.headers, await request.read())
        if members["status_callback_url"] != self.callback_url:
            return web.Response(status=403)
        self.called.append(Called(request.path, members))
        self._heard.set()
        return web.Response(status=202)


def sign(key: Any, body: bytes) -> str:
    """Base64 of the signature over the SHA-256 of the body."""
    if isinstance(key, rsa.RSAPrivateKey):
        octets = key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    else:
        octets = key.sign(body, ec.ECDSA(hashes.SHA256()))
    return base64.b64encode(octets).decode()


def verify(public: Any, signature: str, body: bytes) -> None:
    """Raise where a signature does not verify."""
    octets = base64.b64decode(signature)
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(octets, body, padding.PKCS1v15(), hashes.SHA256())
    else:
        public.verify(octets, body, ec.ECDSA(hashes.SHA256()))


def key_pem(key: Any) -> str:
    """A private key as a file has it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def pem_of(certificate: x509.Certificate) -> str:
    """A certificate as a file has it."""
    return certificate.public_bytes(Encoding.PEM).decode()


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
