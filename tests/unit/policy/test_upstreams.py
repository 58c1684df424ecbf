"""Where a partner's interface is, and how the gateway proves itself there."""

from datetime import timedelta

import pytest

from gateway.model.recipients import Auth, Tls
from tests.unit.policy.builders import FOLDER, courier, messages, partner


def upstream(settings: str):
    """The upstream of a manifest with these further settings."""
    return partner(courier(("example}", f"example, {settings}}}"))).upstream


@pytest.mark.parametrize(
    ("written", "auth"),
    [
        ("{bearer: env:TOKEN}", Auth(scheme="bearer", settings={"value": "env:TOKEN"})),
        (
            "{basic: {user: app, password: env:PASSWORD}}",
            Auth(scheme="basic", settings={"user": "app", "password": "env:PASSWORD"}),
        ),
        (
            "{header: {name: X-Key, value: file:key.txt}}",
            Auth(scheme="header", settings={"name": "X-Key", "value": f"file:{FOLDER}/key.txt"}),
        ),
        (
            "{http_signature: {key: file:sign.pem}}",
            Auth(scheme="http_signature", settings={"key": f"file:{FOLDER}/sign.pem"}),
        ),
        (
            (
                "{oauth2: {token_url: https://id.example/token, client_id: app, "
                "client_secret: env:SECRET, scope: parcels}}"
            ),
            Auth(
                scheme="oauth2",
                settings={
                    "token_url": "https://id.example/token",
                    "client_id": "app",
                    "client_secret": "env:SECRET",
                    "scope": "parcels",
                },
            ),
        ),
    ],
)
def test_every_way_of_proving_is_read(written, auth):
    """Each scheme of the contract is read, its secrets as references."""
    assert upstream(f"auth: {written}").auth == auth


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{basic: {user: app}}", '"password" is missing'),
        ("{header: {name: 'X Key', value: env:KEY}}", "is a header's name"),
        ("{oauth2: {token_url: id.example, client_id: a, client_secret: env:S}}", "no absolute"),
        ("{bearer: env:1TOKEN}", "write env:NAME or file:PATH"),
        ("{bearer: 'env:'}", "write env:NAME or file:PATH"),
        ("{bearer: 'file:'}", "write env:NAME or file:PATH"),
        ("{bearer: {value: env:TOKEN}}", "write env:NAME or file:PATH"),
        ("{}", "auth has one scheme"),
        ("bearer", "write keys with values"),
    ],
)
def test_an_incomplete_proof_is_told(written, told):
    """What would leave the gateway without a way to prove itself does not load."""
    (message,) = messages(courier(("example}", f"example, auth: {written}}}")))
    assert told in message


@pytest.mark.parametrize(
    "address",
    [
        "https://api.courier.example",
        "https://api.courier.example:8443/base/path/",
        "http://127.0.0.1:9000",
        "https://[2001:db8::1]/v1",
    ],
)
def test_absolute_addresses_load(address):
    """A base address may have a port and a path; whether it may be reached is decided later."""
    text = courier(("{base_url: https://api.courier.example}", f"{{base_url: '{address}'}}"))
    assert partner(text).upstream.base_url == address


@pytest.mark.parametrize(
    "address",
    [
        *("ftp://courier.example", "https://", "https:///v1", "//courier.example", "courier"),
        *("https://courier.example:99999", "https://[::1", "https://courier.example:0"),
        *("https://courier.example/a b", "https://courier.example/ä", "https://@courier.example"),
        *("https://courier.example?", "https://courier.example/#"),
    ],
)
def test_other_addresses_are_told(address):
    """An address that is not absolute, or holds what does not belong there, does not load."""
    (message,) = messages(
        courier(("{base_url: https://api.courier.example}", f"{{base_url: '{address}'}}"))
    )
    assert message.startswith('"base_url"')


def test_timeouts_and_limits_have_defaults():
    """What a manifest does not say of its upstream has the default of the model."""
    found = upstream("timeout: 2500ms")
    assert found.timeout == timedelta(milliseconds=2500)
    assert found.connect_timeout == timedelta(seconds=5)
    assert found.response_limit == 10 * 1024 * 1024
    assert found.tls == Tls()
    other = upstream("connect_timeout: 1s, response_limit: 1MiB")
    assert (other.connect_timeout, other.response_limit) == (timedelta(seconds=1), 1024 * 1024)


def test_a_timeout_has_an_end():
    """A share is not held open for longer than an hour."""
    assert messages(courier(("example}", "example, timeout: 2h}"))) == [
        '"timeout" is longer than 1h, write less'
    ]


def test_limits_of_the_recipient_are_read():
    """How many at once, how many in a time, and how soon an answer must begin; absent = none."""
    none, some = upstream("timeout: 3s"), upstream("concurrency: 64, first_byte_timeout: 2s")
    assert (none.concurrency, none.rate, none.first_byte_timeout) == (None, None, None)
    assert (some.concurrency, some.first_byte_timeout) == (64, timedelta(seconds=2))


@pytest.mark.parametrize(
    ("written", "per_second"), [("100/s", 100.0), ("90/m", 1.5), ("1/h", 1 / 3600)]
)
def test_a_rate_is_so_many_in_a_time(written: str, per_second: float):
    """A second, a minute, an hour."""
    assert upstream(f"rate: {written}").rate == pytest.approx(per_second)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("rate: 100", '"rate" '),
        ("rate: 0/s", '"rate" is no rate'),
        ("rate: 5/d", '"rate" is no rate'),
        ("rate: -1/s", '"rate" is no rate'),
        ("concurrency: 0", '"concurrency"'),
        ("first_byte_timeout: 11s", '"first_byte_timeout" exceeds timeout'),
        ("first_byte_timeout: 0s", '"first_byte_timeout" is a duration above zero'),
    ],
)
def test_a_limit_that_is_none_is_told(written: str, told: str):
    """What cannot be kept does not load."""
    (message,) = messages(courier(("example}", f"example, {written}}}")))
    assert message.startswith(told)


def test_mutual_tls_is_read():
    """Certificate, key, authority and pins are read, the files made absolute (P1)."""
    pin = "sha256/" + "A" * 43 + "="
    found = upstream(
        f"tls: {{ca: file:ca.pem, cert: file:c.pem, key: file:k.pem, pins: ['{pin}']}}"
    )
    assert found.tls == Tls(
        ca=f"file:{FOLDER}/ca.pem",
        cert=f"file:{FOLDER}/c.pem",
        key=f"file:{FOLDER}/k.pem",
        pins=(pin,),
    )
