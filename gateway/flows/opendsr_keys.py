"""
What this gateway is in OpenDSR, as the processor that is asked: its domain, its
certificate, and what it signs with (STANDARDS §2.1, §2.2).

The certificate is one that an authority issued, so both files are the operator's. They
are read again when they change.
"""

from urllib.parse import urlsplit

from gateway.errors import ConfigError, GatewayError
from gateway.flows.gateway import Gateway
from gateway.notices.opendsr_signed import DOMAIN, SIGNATURE
from gateway.seal.certified import check_pair, signed_by


def spoken(gateway: Gateway) -> bool:
    """Whether requests are taken: the settings name a certificate and its key."""
    return bool(gateway.config["opendsr.certificate"] and gateway.config["opendsr.key"])


def check(gateway: Gateway) -> None:
    """Raise `ConfigError` where requests would be taken and no answer could be signed."""
    if not spoken(gateway):
        return
    try:
        check_pair(certificate(gateway), _file(gateway, "opendsr.key"))
    except GatewayError as error:
        raise ConfigError(f"opendsr.certificate, opendsr.key: {error}") from None


def domain(gateway: Gateway) -> str:
    """Our domain: one of the names of the certificate."""
    named: str = gateway.config["opendsr.domain"]
    return named or (urlsplit(gateway.config.public_url).hostname or "")


def certificate(gateway: Gateway) -> str:
    """Our certificate in PEM, with those that issued it where the file has them."""
    return _file(gateway, "opendsr.certificate")


def signed(gateway: Gateway, body: bytes) -> dict[str, str]:
    """The two headers over a body of ours. Raises `GatewayError` where the key cannot be had."""
    signature = signed_by(_file(gateway, "opendsr.key"), body)
    return {DOMAIN: domain(gateway), SIGNATURE: signature}


def _file(gateway: Gateway, setting: str) -> str:
    path = gateway.config.home.absolute() / gateway.config[setting]
    return gateway.egress.secret(f"file:{path}")
