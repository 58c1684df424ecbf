"""A manifest by itself."""

import hashlib
from datetime import date, timedelta

import pytest

from gateway.model.policy import Kind
from gateway.model.recipients import Agreement, Deletion, State
from tests.unit.policy.builders import (
    COURIER,
    FOLDER,
    REPOSITORY,
    courier,
    load,
    messages,
    partner,
)

EXAMPLE = """\
partner: swift-parcel                 # id
name: Swift Parcel Co.
owner: logistics                      # who answers for it inside
kind: processor                       # affiliate partner processor branch authority research
territory: CN
contact: privacy@swift-parcel.example
agreement: {reference: DPA-2026-014, signed: 2026-03-01, expires: 2028-03-01, onward: []}   # S4a
keys: keys/swift-parcel.jwks.json     # or https URL; `use: enc` keys may carry `purpose`
upstream:
  base_url: https://api.swift-parcel.example
  auth: {bearer: env:SWIFT_PARCEL_TOKEN}
  timeout: 10s
routes:
  create-shipment:
    match: POST /v2/shipments/{reference}
    purpose: order-fulfilment@1       # S3
    ground: core-function
    seal: fields                      # none fields body
    retention: 30d                    # P6
    idempotency: X-Request-Id         # optional: the partner's own idempotency header
    subject: {from: header}           # where the app names the person
    path: {reference: {category: none}}
    query: {}
    headers: {accept-language: {category: none}}
    send:                             # RFC 6901 pointers; * = each element of an array
      /recipient/name:    {category: basic.name, transform: mask-name}       # P7
      /recipient/phone:   {category: basic.phone, sealed: true}              # S4d
      /recipient/address: {category: basic.address, required: true}
      /items/*/sku:       {category: none, pattern: "^[A-Z0-9-]{1,32}$"}
      /note:              {category: none, max_length: 200, scan: block}     # or scan: mask
    receive: {/tracking_number: {reference: true}, /status: {}}              # C5
deletion:
  protocol: standard-webhooks         # ddrf opendsr rest manual
  url: https://api.swift-parcel.example/privacy/notices
  fallback: manual                    # for what the protocol cannot carry
  acknowledge_within: 3d
  complete_within: 15d
"""


def test_a_manifest_becomes_a_recipient():
    """Who receives, who answers for it, and under which agreement (S4a)."""
    found = partner(COURIER)
    assert (found.id, found.name, found.owner) == ("courier", "Courier Co.", "logistics")
    assert (found.kind, found.territory) == (Kind.PROCESSOR, "CN")
    assert found.contact == "privacy@courier.example"
    assert found.agreement == Agreement(
        reference="NDA-2026-1", signed=date(2026, 1, 10), expires=date(2028, 1, 10)
    )
    assert found.deletion == Deletion(protocol="manual")
    assert found.state is State.ACTIVE
    assert found.jwks == {"keys": []}


def test_a_recipient_knows_its_manifest():
    """The digest is over the bytes, so that every change of a manifest counts."""
    found = partner(COURIER)
    assert found.source == "0.yaml"
    assert found.digest == hashlib.sha256(COURIER.encode()).hexdigest()


@pytest.mark.parametrize("state", ["draft", "active", "suspended"])
def test_a_manifest_may_name_its_state(state):
    """A manifest without a state is active; one with a state is in that state."""
    assert partner(courier(("kind:", f"state: {state}\nkind:"))).state == State(state)


def test_the_name_defaults_to_the_id():
    """A recipient without a name is called by its id."""
    assert partner(courier(("name: Courier Co.\n", ""))).name == "courier"


def test_new_keys_by_url_are_held_for_a_day_unless_it_says_otherwise():
    """`keys_hold` is for keys by URL; of a file it is told as without effect."""
    by_url = "territory: CN\nkeys: https://courier.example/jwks.json\n"
    assert partner(courier(("territory: CN\n", by_url))).keys_hold == timedelta(hours=24)
    short = partner(courier(("territory: CN\n", f"{by_url}keys_hold: 2h\n")))
    assert short.keys_hold == timedelta(hours=2)
    (message,) = messages(courier(("territory: CN\n", "territory: CN\nkeys_hold: 2h\n")))
    assert message == "only keys by an https address are held, remove it"


def test_paths_resolve_against_the_folder_of_the_manifest():
    """`keys:` and `file:` name files beside the manifest, absolute in what is loaded."""
    text = courier(
        ("territory: CN\n", "territory: CN\nkeys: https://courier.example/jwks.json\n"),
        ("example}", "example, auth: {bearer: file:secrets/token}, tls: {ca: file:/etc/ca.pem}}"),
    )
    found = partner(text)
    assert found.keys == "https://courier.example/jwks.json"
    assert found.upstream.auth.settings == {"value": f"file:{FOLDER}/secrets/token"}
    assert found.upstream.tls.ca == "file:/etc/ca.pem"


def test_deletion_has_its_protocol_and_clocks():
    """How the recipient is told, and how long it has (R3)."""
    text = courier(
        (
            "{protocol: manual}",
            (
                "{protocol: standard-webhooks, url: 'https://courier.example/x?a=1', secret: env:WHSEC, "
                "fallback: manual, acknowledge_within: 3d, complete_within: 15d}"
            ),
        )
    )
    assert partner(text).deletion == Deletion(
        protocol="standard-webhooks",
        url="https://courier.example/x?a=1",
        secret="env:WHSEC",
        fallback="manual",
        acknowledge_within=timedelta(days=3),
        complete_within=timedelta(days=15),
    )


def test_onward_recipients_are_listed():
    """The agreement says to whom the recipient may pass data on (S4b)."""
    text = courier(("expires: 2028-01-10", "expires: 2028-01-10, onward: [depot, hub.two]"))
    assert partner(text).agreement.onward == ("depot", "hub.two")


def test_a_recipient_without_routes_needs_no_upstream():
    """Who receives beside the gateway only is still told to delete."""
    text = COURIER[: COURIER.index("upstream")] + "deletion: {protocol: manual}\n"
    assert partner(text).routes == ()


def test_a_secret_is_never_repeated():
    """A secret written into a manifest is refused, and nothing of it said again (P2)."""
    for place in ("bearer: sk-live-51f0", "basic: {user: u, password: sk-live-51f0}"):
        told = messages(courier(("example}", f"example, auth: {{{place}}}}}")))
        assert len(told) == 1
        assert "sk-live" not in told[0]
    assert (
        "sk-live"
        not in messages(
            courier(("{protocol: manual}", "{protocol: manual, secret: sk-live-51f0}"))
        )[0]
    )


def test_the_example_of_the_contract_loads():
    """The manifest of the contract loads as it stands, without a warning even in strict mode."""
    keys = (REPOSITORY / "partners" / "keys" / "swift-parcel.jwks.json").read_bytes()
    path = str(FOLDER / "keys" / "swift-parcel.jwks.json")
    loaded = load(EXAMPLE, keys={path: keys}, strict=True)
    found = loaded.policy.partners["swift-parcel"]
    (shipment,) = found.routes
    assert found.keys == path
    assert [key["use"] for key in found.jwks["keys"]] == ["enc", "sig"]
    assert [field.selector for field in shipment.send] == [
        "/recipient/name",
        "/recipient/phone",
        "/recipient/address",
        "/items/*/sku",
        "/note",
    ]
    assert [(one.selector, one.reference) for one in shipment.receive] == [
        ("/tracking_number", True),
        ("/status", False),
    ]
