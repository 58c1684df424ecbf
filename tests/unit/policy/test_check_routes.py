"""What a route may be under the policy."""

import json

import pytest

from tests.unit.policy.builders import FOLDER, courier, judged, load, messages


def keyed(*keys: dict[str, str]) -> tuple[str, dict[str, bytes]]:
    """A sealed route, and a key file with these members in its keys."""
    point = "L8G9sa1mK20SlMvr5Tmyswgf1_ctJYT5gWskKKp6p08"
    base = {"kty": "OKP", "crv": "X25519", "use": "enc", "x": point}
    members = [{**base, "kid": str(number), **key} for number, key in enumerate(keys)]
    text = courier(
        ("territory: CN\n", "territory: CN\nkeys: keys/courier.jwks.json\n"),
        ("    send:", "    seal: body\n    send:"),
    )
    return text, {f"{FOLDER}/keys/courier.jwks.json": json.dumps({"keys": members}).encode()}


def test_a_sealed_route_with_a_fit_key_loads():
    """A key that is free, or bound to the purpose, is enough (S4d)."""
    for key in ({}, {"purpose": "order-fulfilment"}):
        text, keys = keyed(key)
        assert load(text, keys=keys).warnings == ()


def test_a_sealed_route_without_a_fit_key_is_a_warning():
    """Without a key nothing can be sealed, so its shares are refused and the rest serves (S4d)."""
    text, keys = keyed({"purpose": "payment"})
    (warning,) = load(text, keys=keys).warnings
    assert 'no key of "courier" can seal for "order-fulfilment"' in warning.message


def test_keys_by_address_are_judged_when_they_are_fetched():
    """Where the keys come by URL nothing is said of them at load."""
    text = courier(
        ("territory: CN\n", "territory: CN\nkeys: https://courier.example/jwks.json\n"),
        ("    send:", "    seal: body\n    send:"),
    )
    assert messages(text) == []


@pytest.mark.parametrize("kind", ["affiliate", "partner", "authority", "research", "successor"])
def test_a_purpose_is_open_to_its_kinds(kind):
    """A recipient of another kind does not get data for a purpose (S2, S3)."""
    found = messages(
        courier(("kind: processor", f"kind: {kind}"), ("order-f", "public-display@1 # "))
    )
    assert any("is not open to" in message for message in found) is (
        kind not in ("affiliate", "partner")
    )


def test_an_unknown_purpose_is_offered_one_for_this_kind():
    """The message offers the closest purpose, else the first that is open to the recipient."""
    assert messages(courier(("order-fulfilment@1", "shipping"))) == [
        'purpose "shipping" is not declared, write "order-fulfilment@1" or declare it'
    ]
    court = (("kind: processor", "kind: authority"), ("order-fulfilment@1", "subpoenas@1"))
    assert any('write "legal-demand@1"' in message for message in messages(courier(*court)))


def test_one_path_may_serve_several_purposes():
    """Routes may share a match if their purposes differ (contract §7)."""
    second = (
        "  support:\n    match: POST /v2/parcels\n    purpose: {}\n"
        "    ground: consent\n    retention: 1d\n"
    )
    other = second.format("customer-support@1")
    same = second.format("order-fulfilment@1")
    assert messages(courier(("deletion:", f"{other}deletion:"))) == []
    assert len(messages(courier(("deletion:", f"{same}deletion:")))) == 1


def test_a_literal_segment_is_not_ambiguous():
    """A literal beats a parameter, so the two may stand side by side (contract §6)."""
    text = courier(
        ("POST /v2/parcels", "POST /v2/{id}"),
        ("    send:", "    path: {id: {category: none}}\n    send:"),
        (
            "deletion:",
            (
                "  other:\n    match: POST /v2/parcels\n    purpose: order-fulfilment@1\n"
                "    ground: consent\n    retention: 1d\ndeletion:"
            ),
        ),
    )
    assert messages(text) == []


def test_every_path_parameter_is_a_field():
    """A parameter without a category could carry anything (C1)."""
    found = messages(courier(("/v2/parcels", "/v2/{a}/{b}")))
    assert [message.split(" ")[0] for message in found] == ["{a}", "{b}"]


def test_a_bulk_route_sends_a_pseudonym_or_takes_a_reference():
    """Otherwise nobody could tell the recipient later whom to delete (R3)."""
    bulk = ("    send:", "    bulk: {records: 9}\n    subject: {from: /buyer}\n    send:")
    pseudonym = (
        "/order:",
        "/buyer: {category: network.account, transform: pseudonym}\n      /order:",
    )
    reference = ("deletion:", "    receive: {/parcel: {reference: true}}\ndeletion:")
    assert len(messages(courier(bulk))) == 1
    assert messages(courier(bulk, pseudonym)) == []
    assert messages(courier(bulk, reference)) == []


def test_overlapping_selectors_are_told_both_ways():
    """Two selectors for one value would leave open which rule holds, out or back."""
    overlap = "/a/*/b: {}, /a/0/b: {}"
    text = courier(("deletion:", f"    receive: {{{overlap}}}\ndeletion:"))
    (problem,) = judged(text)[1]
    assert '"/a/0/b" names the same values as "/a/*/b"' in problem.message
