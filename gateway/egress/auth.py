"""How the gateway proves itself to a partner over HTTP (contract §7, `upstream.auth`)."""

import base64
import re

from gateway.egress.references import Secrets, header_secret
from gateway.errors import ConfigError
from gateway.model.recipients import Auth

# The settings that each scheme needs. What is not here cannot be sent, and a
# client for it is not made: better no share than one without its proof.
SCHEMES = {
    "bearer": ("value",),
    "basic": ("user", "password"),
    "header": ("name", "value"),
    "oauth2": ("token_url", "client_id", "client_secret"),
    "http_signature": ("key",),
}

OAUTH2 = "oauth2"
"""Its token is had from elsewhere first (`oauth2`)."""

HTTP_SIGNATURE = "http_signature"
"""Its proof depends on the request (`signatures`)."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check_auth(partner: str, auth: Auth | None) -> None:
    """Raise `ConfigError` for a way of proving that cannot be carried out."""
    if auth is None:
        return
    needed = SCHEMES.get(auth.scheme)
    if needed is None:
        raise ConfigError(
            f'{partner}: upstream.auth "{auth.scheme}" is not known, write {", ".join(SCHEMES)}'
        )
    missing = [name for name in needed if not auth.settings.get(name)]
    if missing:
        raise ConfigError(f"{partner}: upstream.auth.{auth.scheme} needs {', '.join(missing)}")
    if auth.scheme == "header" and not _HEADER_NAME.fullmatch(auth.settings["name"]):
        raise ConfigError(f"{partner}: upstream.auth.header.name is not the name of a header")


def credentials(auth: Auth, secrets: Secrets) -> tuple[str, str]:
    """
    The header, name and value, that carries a proof which is the same for every request.

    The user of `basic` and the name of `header` are plain text and may be
    references too. Raises `SecretMissing`.
    """
    settings = auth.settings
    if auth.scheme == "bearer":
        return "Authorization", f"Bearer {header_secret(secrets, settings['value'])}"
    if auth.scheme == "basic":
        pair = f"{_plain(secrets, settings['user'])}:{secrets(settings['password'])}"
        return "Authorization", "Basic " + base64.b64encode(pair.encode()).decode()
    return settings["name"], header_secret(secrets, settings["value"])


def _plain(secrets: Secrets, text: str) -> str:
    return secrets(text) if text.startswith(("env:", "file:")) else text
