"""`gateway init` and `gateway token`."""

import os
import shutil
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from secrets import token_hex

import click

from gateway import config as settings
from gateway.access.scopes import SCOPES
from gateway.cli.output import Output, fail

HOME_FILE = """\
# A home of the data-sharing gateway. Every setting may be overridden by an
# environment variable GATEWAY_<SECTION>__<KEY>; all are in docs/reference/settings.md.

[home]
territory = "CN"

[listen]
internal = "127.0.0.1:8080"   # services and operators
public = "127.0.0.1:8081"     # partners

[storage]
url = "sqlite:///data/gateway.db"

[egress]
allow = []                    # networks reachable besides public addresses (CIDR)
plaintext = []                # networks to which http:// is tolerated

# Who may sign service tokens. This one is the home's own key (`gateway token`).
[[issuer]]
name = "home"
iss = "urn:sharing-gateway:home"
aud = "sharing-gateway"
jwks = "home:issuer"
"""

OWN_ISS = "urn:sharing-gateway:home"
OWN_AUD = "sharing-gateway"


def default_set() -> tuple[Path, Path]:
    """The default `policies/` and `partners/`: of the wheel, or of the checkout."""
    packaged = Path(str(files("gateway"))) / "data"
    if (packaged / "policies").is_dir():
        return packaged / "policies", packaged / "partners"
    checkout = Path(str(files("gateway"))).parent
    if not (checkout / "policies").is_dir() or not (checkout / "partners").is_dir():
        fail("the default policies are not where this program was installed: install it again", 2)
    return checkout / "policies", checkout / "partners"


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.pass_obj
def init(output: Output, directory: Path) -> None:
    """Make a new home that runs as it is."""
    make_home(directory)
    output.result(
        {"home": str(directory)},
        f"{directory} is a home. Next:\n"
        f"  gateway --home {directory} check\n"
        f"  gateway --home {directory} serve",
    )


def make_home(directory: Path) -> None:
    """Write a home's folders, settings and keys. Nothing that exists is overwritten."""
    from gateway.keyring.file import create
    from gateway.wiring import utc_now

    taken = [
        name
        for name in ("gateway.toml", "policies", "partners", "keys", "data")
        if (directory / name).exists()
    ]
    if taken:
        fail(f"{directory} already holds {', '.join(taken)}: name an empty folder", 2)
    policies, partners = default_set()
    directory.mkdir(parents=True, exist_ok=True)
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(policies, directory / "policies", ignore=skip)
    shutil.copytree(partners, directory / "partners", ignore=skip)
    (directory / "data").mkdir(mode=0o700)
    create(directory / "keys", os.urandom, utc_now())
    (directory / "gateway.toml").write_text(HOME_FILE, "utf-8")


@click.command()
@click.option("--service", required=True, help="Name of the service (the token's sub).")
@click.option("--scope", "scopes", multiple=True, required=True, help="A scope; repeatable.")
@click.option("--partner", "partners", multiple=True, help="A partner, or *; repeatable.")
@click.option("--purpose", "purposes", multiple=True, help="A purpose, or *; repeatable.")
@click.option("--ground", "grounds", multiple=True, help="A ground; repeatable.")
@click.option("--ttl", default="1h", show_default=True, help="How long it lives, for example 1h.")
@click.pass_obj
def token(
    output: Output,
    service: str,
    scopes: tuple[str, ...],
    partners: tuple[str, ...],
    purposes: tuple[str, ...],
    grounds: tuple[str, ...],
    ttl: str,
) -> None:
    """Sign a service token with the home's own issuer key; it stands alone on standard output."""
    try:
        lifetime = settings.duration(ttl)
    except ValueError as error:
        fail(f"--ttl: {error}", 2)
    wanted = _split(scopes)
    for scope in wanted:
        if scope not in SCOPES:
            fail(f"--scope: there is no scope {scope}; write one of {', '.join(SCOPES)}", 2)
    signed = mint(
        output.home,
        service=service,
        scopes=wanted,
        partners=_split(partners),
        purposes=_split(purposes),
        grounds=_split(grounds),
        lifetime=lifetime,
    )
    output.result({"token": signed}, signed)


def mint(
    home: Path,
    *,
    service: str,
    scopes: tuple[str, ...],
    partners: tuple[str, ...] = (),
    purposes: tuple[str, ...] = (),
    grounds: tuple[str, ...] = (),
    lifetime: timedelta = timedelta(hours=1),
) -> str:
    """A service token of the home's own issuer. Raises `ConfigError` where it has none."""
    from gateway.access.services import sign_service_token
    from gateway.errors import ConfigError
    from gateway.keyring import FileKeyring
    from gateway.wiring import OWN_ISSUER, load_config, utc_now

    config = load_config(home)
    issuer = next((one for one in config.issuers if one.jwks == OWN_ISSUER), None)
    if issuer is None:
        raise ConfigError(
            f'gateway.toml has no [[issuer]] with jwks = "{OWN_ISSUER}": add it, or ask your issuer'
        )
    key = FileKeyring(home / "keys").signing("issuer")
    return sign_service_token(
        key.private_jwk,
        iss=issuer.iss,
        aud=issuer.aud,
        sub=service,
        scopes=scopes,
        partners=partners,
        purposes=purposes,
        grounds=grounds or None,
        now=utc_now(),
        ttl=lifetime,
        # By this one token can be revoked alone.
        jti=token_hex(16),
    )


def _split(values: tuple[str, ...]) -> tuple[str, ...]:
    """Options may be repeated, or hold several separated by commas or spaces."""
    return tuple(part for value in values for part in value.replace(",", " ").split())
