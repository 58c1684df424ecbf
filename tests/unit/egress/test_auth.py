"""How the gateway proves itself, and where its secrets come from."""

import base64
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.egress import SecretFiles, SecretMissing
from gateway.egress.auth import check_auth, credentials
from gateway.egress.references import MAX_SECRET_BYTES
from gateway.errors import ConfigError, PartnerUnreachable
from gateway.model.recipients import Auth, Upstream
from tests.unit.egress.wire import client_for, fine, request_to, serving

SECRET = "s3cret-Ωmega"


def auth(scheme: str, **settings: str) -> Auth:
    """A proof as a manifest declares it."""
    return Auth(scheme=scheme, settings=settings)


def known(values: Mapping[str, str]) -> SecretFiles:
    """Secrets of an environment."""
    return SecretFiles(Path("/nowhere"), values)


@pytest.mark.parametrize(
    ("proof", "header"),
    [
        (auth("bearer", value="env:TOKEN"), ("Authorization", "Bearer abc.def")),
        (
            auth("basic", user="shop", password="env:PASSWORD"),
            ("Authorization", "Basic " + base64.b64encode(f"shop:{SECRET}".encode()).decode()),
        ),
        (
            auth("basic", user="env:TOKEN", password="env:PASSWORD"),
            ("Authorization", "Basic " + base64.b64encode(f"abc.def:{SECRET}".encode()).decode()),
        ),
        (auth("header", name="X-Key", value="env:TOKEN"), ("X-Key", "abc.def")),
    ],
)
def test_each_proof_is_one_header(proof: Auth, header: tuple[str, str]) -> None:
    """bearer, basic and header become what the partner expects."""
    check_auth("swift-parcel", proof)

    assert credentials(proof, known({"TOKEN": "abc.def", "PASSWORD": SECRET})) == header


@pytest.mark.parametrize(
    ("proof", "told"),
    [
        (auth("bearer"), "upstream.auth.bearer needs value"),
        (auth("basic", user="x"), "upstream.auth.basic needs password"),
        (auth("header", name="X Y", value="env:A"), "is not the name of a header"),
        (auth("oauth2", token_url="https://x.example"), "oauth2 needs client_id, client_secret"),
        (auth("http_signature", keyid="a"), "upstream.auth.http_signature needs key"),
        (auth("digest", user="x"), "is not known, write bearer"),
    ],
)
def test_a_proof_that_cannot_work_stops_the_start(proof: Auth, told: str) -> None:
    """What is missing or not supported is said at once, with the partner."""
    with pytest.raises(ConfigError, match=told) as error:
        check_auth("swift-parcel", proof)

    assert str(error.value).startswith("swift-parcel: ")


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("env:NONE", "env:NONE is not there or empty"),
        ("env:EMPTY", "env:EMPTY is not there or empty"),
        ("file:none", "file:none cannot be read"),
        ("file:empty", "file:empty is not there or empty"),
        ("file:binary", "file:binary cannot be read"),
        ("file:large", "file:large is too large for a secret"),
    ],
)
def test_a_missing_secret_is_named_by_its_reference(
    tmp_path: Path, reference: str, told: str
) -> None:
    """Whoever looks for a missing secret reads which reference leads nowhere."""
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    with pytest.raises(SecretMissing) as error:
        SecretFiles(tmp_path, {"EMPTY": ""})(reference)

    assert str(error.value) == told


def test_a_secret_written_into_a_manifest_is_not_repeated() -> None:
    """What is no reference is refused, and the message does not show it: it may be the secret."""
    with pytest.raises(SecretMissing) as error:
        known({})(SECRET)

    assert SECRET not in str(error.value)


def test_a_secret_that_no_header_can_carry_is_refused() -> None:
    """A line feed in a token cannot become a second header."""
    with pytest.raises(SecretMissing) as error:
        credentials(auth("bearer", value="env:A"), known({"A": f"{SECRET}\r\nX: 1"}))

    assert SECRET not in str(error.value)


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    """A rotated secret is picked up; one that lies still costs no reading."""
    path = tmp_path / "token"
    path.write_text("first\n")
    secrets = SecretFiles(tmp_path, {})
    assert secrets("file:token") == "first"

    stat = path.stat()
    path.write_text("other\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert secrets("file:token") == "first", "same time, size and inode: not read"

    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert secrets("file:token") == "other"
    assert secrets(f"file:{path}") == "other", "an absolute path is taken as it is"


async def test_a_rotated_secret_leaves_with_the_next_share(tmp_path: Path) -> None:
    """No restart: the file is replaced, the next share carries the new token."""
    path = tmp_path / "token"
    path.write_text("first")
    async with serving() as wire:
        upstream = Upstream(base_url=wire.url("/api"), auth=auth("bearer", value="file:token"))
        async with client_for(upstream, secrets=SecretFiles(tmp_path, {})) as client:
            await client.send(request_to(wire.url("/api/x")), last_look=fine)
            path.with_suffix(".new").write_text("second")
            path.with_suffix(".new").replace(path)
            await client.send(request_to(wire.url("/api/x")), last_look=fine)

    assert b"Authorization: Bearer first\r\n" in wire.requests[0]
    assert b"Authorization: Bearer second\r\n" in wire.requests[1]


async def test_a_missing_secret_was_not_sent(tmp_path: Path) -> None:
    """Without its secret a share does not leave, and the message says which one."""
    async with serving() as wire:
        upstream = Upstream(base_url=wire.url(), auth=auth("bearer", value="env:SWIFT_TOKEN"))
        async with client_for(upstream, secrets=SecretFiles(tmp_path, {})) as client:
            with pytest.raises(PartnerUnreachable) as told:
                await client.send(request_to(wire.url()), last_look=fine)

    assert str(told.value) == "swift-parcel: env:SWIFT_TOKEN is not there or empty"
    assert wire.received == []


async def test_the_proof_goes_to_the_declared_origin_only() -> None:
    """Another address of the same partner, such as the one for notices, does not get the token."""
    async with serving() as wire, serving() as other:
        upstream = Upstream(base_url=wire.url(), auth=auth("header", name="X-Key", value="env:K"))
        async with client_for(upstream, secrets=known({"K": "key"})) as client:
            await client.send(request_to(wire.url("/x")), last_look=fine)
            await client.send(request_to(other.url("/x")), last_look=fine)

    assert b"X-Key: key\r\n" in wire.requests[0]
    assert b"X-Key" not in other.requests[0]


async def test_the_callers_header_does_not_replace_the_proof() -> None:
    """A declared header of the same name does not stand beside or before the gateway's own."""
    async with serving() as wire:
        upstream = Upstream(base_url=wire.url(), auth=auth("bearer", value="env:K"))
        async with client_for(upstream, secrets=known({"K": "key"})) as client:
            request = request_to(wire.url(), headers={"authorization": "Bearer app"})
            await client.send(request, last_look=fine)

    assert wire.requests[0].lower().count(b"authorization:") == 1
    assert b"Bearer key" in wire.requests[0]
