"""Everything that runs while the story is told, and how it ends."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from gateway.testing.authority import Authority
from gateway.testing.builders import a_token
from gateway.testing.client import GatewayClient
from gateway.testing.demo import recipients
from gateway.testing.demo.claims import Claims
from gateway.testing.demo.people_in_it import Member, members
from gateway.testing.demo.processes import Ran, run
from gateway.testing.demo.recipients import FORMER, ROLES, Recipient
from gateway.testing.demo.screen import Screen
from gateway.testing.processes import gateway_command, gateway_environment
from gateway.testing.server import GatewayProcess
from gateway.testing.witness import FakeWitness

MakeHome = Callable[[Path], None]
"""What `gateway init` does."""

TOKEN_LIFE = timedelta(hours=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service of the app, and what its token lets it ask for."""

    name: str
    partners: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ("share",)


SERVICES = (
    Service(
        name="shop",
        partners=("swift-parcel", "island-post", FORMER.partner),
        purposes=("order-fulfilment",),
    ),
    Service(name="payments", partners=("harbour-pay",), purposes=("payment",)),
    Service(name="identity", partners=("link-id",), purposes=("account-login",)),
    Service(name="marketing", partners=("bright-reach",), purposes=("advertising",)),
    Service(name="support", partners=("swift-parcel",), purposes=("customer-support",)),
    Service(
        name="legal",
        partners=("city-court",),
        purposes=("legal-demand",),
        scopes=("share", "evidence:write"),
    ),
)
DESK = Service(
    name="privacy-desk",
    partners=("*",),
    purposes=("*",),
    scopes=(
        *("consent:write", "subject:read", "subject:write", "case:read", "case:write"),
        *("ledger:read", "partner:read", "partner:write"),
    ),
)
"""People who answer for privacy: they record, read, suspend and resolve, and send nothing."""
APP = Service(name="account-settings", scopes=("case:write", "case:read"))
"""The part of the app in which somebody who is signed in asks to be deleted."""


@dataclass(slots=True, kw_only=True)
class House:
    """What the stages of the story work with."""

    folder: Path
    home: Path
    screen: Screen
    claims: Claims
    gateway: GatewayProcess
    recipients: dict[str, Recipient]
    former: Recipient
    """The courier whose agreement is over."""
    cast: list[Member]
    services: dict[str, GatewayClient]
    """By name; the privacy desk and the app's account settings are among them."""
    jwks: dict[str, Any]
    """As the public listener gave it, before anything happened."""
    witness: FakeWitness | None = None
    """Somebody outside, who cosigns what the ledger signs."""
    environment: dict[str, str] = field(repr=False)
    """For commands on the home: the gateway's settings, with the recipients' secrets."""

    @property
    def desk(self) -> GatewayClient:
        """The privacy desk."""
        return self.services[DESK.name]

    @property
    def app(self) -> GatewayClient:
        """The app's account settings."""
        return self.services[APP.name]

    @property
    def everybody(self) -> dict[str, Recipient]:
        """All recipients by id, the former courier included."""
        return self.recipients | {self.former.id: self.former}

    def name_of(self, partner: str) -> str:
        """What a recipient calls itself."""
        return str(self.everybody[partner].manifest["name"])

    @property
    def auditor(self) -> Path:
        """The folder of somebody who trusts nobody; made at the first use."""
        folder = self.folder / "auditor"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def origin(self) -> str:
        """The ledger's name (contract §10)."""
        return self.gateway.public_url.partition("://")[2] + "/ledger"

    @property
    def logs(self) -> Path:
        """The folder of what the gateway printed."""
        return self.gateway.stdout.parent

    def arrivals(self) -> dict[str, int]:
        """How many requests have reached each recipient, the former courier included."""
        return {one.id: len(one.fake.arrivals) for one in self.everybody.values()}

    async def command(self, *arguments: str) -> Ran:
        """`gateway --home HOME ARGUMENTS`, as an operator would run it."""
        command = gateway_command("--home", str(self.home), *arguments)
        return await run(command, environment=self.environment, folder=self.folder)


@asynccontextmanager
async def open_house(
    folder: Path, make_home: MakeHome, screen: Screen, claims: Claims
) -> AsyncIterator[House]:
    """
    Home, recipients and gateway, all running while inside.

    Leaving ends every process and server, whatever happened. The files stay;
    they are the caller's to remove.
    """
    async with AsyncExitStack() as stack:
        home = folder / "home"
        make_home(home)
        authority = Authority.create(datetime.now(UTC), name="Demonstration authority")
        running, former = await _recipients(stack, folder, home, authority)
        witness, roots = await _witness(stack, folder, home, authority)
        settings = {"GATEWAY_EGRESS__PLAINTEXT": "", "SSL_CERT_FILE": str(roots)}
        for recipient in (*running, former):
            settings |= recipient.environment
        gateway = GatewayProcess(home, settings=settings, logs=folder / "logs")
        await stack.enter_async_context(gateway)
        for recipient in (*running, former):
            recipient.fake.trust(issuer=gateway.public_url, jwks=gateway.jwks_url)
        jwks = await _public_keys(gateway)
        witness.trust(f"{gateway.public_url.partition('://')[2]}/ledger", jwks)
        house = House(
            folder=folder,
            home=home,
            screen=screen,
            claims=claims,
            gateway=gateway,
            recipients={recipient.id: recipient for recipient in running},
            former=former,
            cast=members(),
            services=await _services(stack, home, gateway, (*SERVICES, DESK, APP)),
            jwks=jwks,
            witness=witness,
            environment=gateway_environment(settings),
        )
        try:
            yield house
        except (aiohttp.ClientError, ExceptionGroup) as error:
            await gateway.explain(error)
            raise


async def _witness(
    stack: AsyncExitStack, folder: Path, home: Path, authority: Authority
) -> tuple[FakeWitness, Path]:
    """A witness in the home's settings, and the file of roots by which it is believed."""
    certificate = authority.issue(folder / "certificates" / "witness", "witness")
    witness = FakeWitness("witness.example/demo", tls=certificate)
    await stack.enter_async_context(witness)
    with (home / "gateway.toml").open("a", encoding="utf-8") as out:
        out.write(witness.table())
    return witness, certificate.ca


async def _recipients(
    stack: AsyncExitStack, folder: Path, home: Path, authority: Authority
) -> tuple[list[Recipient], Recipient]:
    certificates = folder / "certificates"
    own = authority.issue(certificates / "gateway", "gateway")
    # Before the others are rewritten: its manifest is a copy of a default one.
    recipients.former(home, datetime.now(UTC).date())
    running = []
    for role in (*ROLES, FORMER):
        fake = recipients.build(role, authority, certificates)
        await stack.enter_async_context(fake)
        running.append(recipients.onboard(home, role, fake, own))
    *others, former = running
    return others, former


async def _services(
    stack: AsyncExitStack, home: Path, gateway: GatewayProcess, services: Sequence[Service]
) -> dict[str, GatewayClient]:
    clients = {}
    for service in services:
        client = gateway.client(token_of(home, service))
        clients[service.name] = await stack.enter_async_context(client)
    return clients


def token_of(home: Path, service: Service) -> str:
    """A token for a service, by the home's own issuer."""
    return a_token(
        home,
        service=service.name,
        scope=service.scopes,
        partners=service.partners,
        purposes=service.purposes,
        ttl=TOKEN_LIFE,
    )


async def _public_keys(gateway: GatewayProcess) -> dict[str, Any]:
    """The JWK Set, from where partners and auditors get it."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(gateway.jwks_url, raise_for_status=True) as response,
    ):
        jwks: dict[str, Any] = json.loads(await response.read())
    return jwks
