"""`gateway token`: a service token by the home's own issuer."""

import base64
import json
import re
from pathlib import Path
from typing import Any

from gateway.testing.builders import issuer_settings
from tests.marks import promise
from tests.unit.cli.calling import Done, call


def claims_of(done: Done) -> dict[str, Any]:
    """What a token says, unverified."""
    part = done.out.strip().split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


@promise("P5")
def test_a_token_stands_alone_on_standard_output(home: Path) -> None:
    """Nothing but the token, with what was asked for and no more."""
    done = call(
        *("token", "--service", "shop", "--scope", "share", "--scope", "subject:read"),
        *("--partner", "swift-parcel", "--purpose", "order-fulfilment", "--purpose", "payment"),
        home=home,
    )
    claims = claims_of(done)
    settings = issuer_settings(home)

    assert done.code == 0
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", done.out)
    assert done.err == ""
    assert claims["sub"] == "shop"
    assert set(claims["scope"].split()) == {"share", "subject:read"}
    assert claims["partners"] == ["swift-parcel"]
    assert claims["purposes"] == ["order-fulfilment", "payment"]
    assert "grounds" not in claims
    assert claims["exp"] - claims["iat"] == 3600
    assert (claims["iss"], claims["aud"]) == (settings["iss"], settings["aud"])


def test_a_token_may_name_grounds_and_live_shorter(home: Path) -> None:
    """`--ground` and `--ttl`, and as JSON with `--json`."""
    arguments = ("token", "--service", "s", "--scope", "share", "--ground", "consent")
    done = call(*arguments, "--ttl", "90s", home=home)
    as_json = call(*arguments, home=home, as_json=True)
    claims = claims_of(done)

    assert claims["grounds"] == ["consent"]
    assert claims["exp"] - claims["iat"] == 90
    assert claims["partners"] == claims["purposes"] == []
    assert set(as_json.json()) == {"token"}


def test_a_scope_that_does_not_exist_is_wrong_use(home: Path) -> None:
    """A misspelled scope would make a token that opens nothing."""
    done = call("token", "--service", "s", "--scope", "shares", home=home)

    assert done.code == 2
    assert "shares" in done.err
