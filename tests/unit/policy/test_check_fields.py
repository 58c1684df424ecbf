"""What a declared field may be under the policy."""

import pytest

from tests.unit.policy.builders import changed, courier, judged, messages, sending

KEYED = ("territory: CN\n", "territory: CN\nkeys: https://courier.example/jwks.json\n")


def sealed(seal: str) -> tuple[str, str]:
    """The change that seals the route."""
    return ("    send:", f"    seal: {seal}\n    send:")


SENSITIVE = ("basic.phone", "network.nickname", "location.precise", "transaction.payment")


@pytest.mark.parametrize("category", SENSITIVE)
def test_a_sensitive_field_never_leaves_as_it_is(category):
    """Each sensitive category is refused without transform and seal (C2, S4d)."""
    (message,) = messages(sending(f"/x: {{category: {category}}}"))
    assert f"{category} is sensitive and leaves as it is" in message


@pytest.mark.parametrize("category", SENSITIVE)
def test_a_sensitive_field_leaves_sealed(category):
    """Sealed by itself, or with the whole body, a sensitive field may leave (S4d)."""
    assert messages(sending(f"/x: {{category: {category}}}", sealed("body"), KEYED)) == []
    by_itself = sending(f"/x: {{category: {category}, sealed: true}}", sealed("fields"), KEYED)
    assert messages(by_itself) == []


def test_sealing_other_fields_does_not_help():
    """Under seal: fields only what is marked is sealed (S4d)."""
    text = sending("/x: {category: basic.phone}", sealed("fields"), KEYED)
    assert len(messages(text)) == 1


@pytest.mark.parametrize("part", ["query", "headers"])
def test_a_sealed_body_does_not_seal_parameters(part):
    """A query or header parameter leaves in the clear, however the body is sealed (S4d)."""
    text = courier(
        sealed("body"),
        KEYED,
        ("    send:", f"    {part}: {{X-P: {{category: basic.phone}}}}\n    send:"),
    )
    (message,) = messages(text)
    assert "only the body can be sealed" in message


def test_a_desensitised_or_tokenised_field_leaves():
    """A fitting transform, or a token, is enough (S4c, S4d)."""
    assert messages(sending("/x: {category: basic.phone, transform: mask-phone}")) == []
    assert messages(sending("/x: {category: basic.phone, transform: token}")) == []


@pytest.mark.parametrize(
    "written",
    [
        "{category: network.password}",
        "{category: network.password, transform: hash}",
        "{category: network.password, transform: drop}",
        "{category: network.password, sealed: true}",
    ],
)
def test_a_password_is_declared_nowhere(written):
    """Whatever is done to it, a password does not load (C2)."""
    (message,) = messages(sending(f"/x: {written}", sealed("fields"), KEYED))
    assert "is never shared with anybody" in message


PARTNER = ("kind: processor", "kind: partner")


@pytest.mark.parametrize(
    "category", ["network.account", "device.id", "location.coarse", "none", "statistics"]
)
def test_a_partner_gets_account_device_and_location(category):
    """Without consent a partner gets these, and what is about nobody (S3)."""
    assert messages(sending(f"/x: {{category: {category}, max_length: 9}}", PARTNER)) == []


@pytest.mark.parametrize("category", ["basic.name", "media.avatar", "transaction.order"])
def test_a_partner_gets_more_only_with_consent(category):
    """All else loads with the ground consent only (S3)."""
    field = f"/x: {{category: {category}}}"
    (message,) = messages(sending(field, PARTNER))
    assert "only with consent" in message
    assert messages(sending(field, PARTNER, ("core-function", "consent"))) == []
    assert messages(sending(field)) == []


RESEARCH = (
    ("kind: processor", "kind: research"),
    ("order-fulfilment@1", "research@1"),
    ("core-function", "research"),
)


@pytest.mark.parametrize(
    "written",
    [
        "{category: statistics}",
        "{category: basic.gender}",
        "{category: basic.address, transform: region}",
        "{category: basic.name, transform: drop}",
        "{category: network.ip, transform: ip-prefix}",
        "{category: location.precise, transform: coarse-location}",
    ],
)
def test_what_singles_nobody_out_may_be_studied(written):
    """De-identified data is what many people share (C6)."""
    assert messages(sending(f"/x: {written}", *RESEARCH)) == []


@pytest.mark.parametrize(
    "written",
    [
        "{category: basic.name}",
        "{category: network.account}",
        "{category: device.id}",
        "{category: transaction.order}",
        "{category: basic.name, sealed: true}",
        "{category: basic.name, transform: pseudonym}",
        "{category: device.id, transform: hash}",
        "{category: basic.phone, transform: token}",
        "{category: statistics, transform: hash}",
        "{category: device.id, transform: {truncate: 64}}",
    ],
)
def test_what_singles_somebody_out_may_not(written):
    """No identifying field, sealed or not, and no lasting id (C6)."""
    found = messages(sending(f"/x: {written}", *RESEARCH, sealed("fields"), KEYED))
    assert len(found) == 1
    assert "(C6)" in found[0]


def test_of_what_is_deidentified_no_id_of_a_record_is_kept():
    """`reference: true` on a de-identified route is warned of: it is not kept (C6)."""
    kept = ("    send:", "    receive: {/id: {reference: true}}\n    send:")
    (problem,) = judged(sending("/x: {category: statistics}", *RESEARCH, kept))[1]
    assert problem.warning
    assert "no id of a record is kept" in problem.message
    assert messages(sending("/x: {category: none, type: integer}", kept)) == []


AUTHORITY = (
    ("kind: processor", "kind: authority"),
    ("order-fulfilment@1", "legal-demand@1"),
    ("core-function", "legal-obligation"),
)


def test_an_authority_gets_nothing_outside_the_seal():
    """A parameter about a person would leave unsealed (D2)."""
    query = ("    send:", "    query: {account: {category: network.account}}\n    send:")
    (message,) = messages(courier(*AUTHORITY, sealed("body"), KEYED, query))
    assert "gets nothing unsealed" in message
    case = changed(query[1], ("network.account", "none, max_length: 9"), ("account", "case"))
    assert messages(courier(*AUTHORITY, sealed("body"), KEYED, (query[0], case))) == []


@pytest.mark.parametrize(
    ("written", "warnings"),
    [
        ("/note: {category: none}", 1),
        ("/note: {category: none, type: string}", 1),
        ("/phone: {category: none}", 2),
        ("/phone: {category: none, max_length: 20}", 1),
        ("/phone_verified: {category: none, type: boolean}", 0),
        ("/name: {category: none, enum: [tea, coffee]}", 0),
        ("/note: {category: none, scan: mask}", 0),
        ("/count: {category: none, type: integer}", 0),
        ("/note: {category: none, transform: {constant: x}}", 0),
        ("/note: {category: statistics}", 0),
    ],
)
def test_what_is_about_nobody_is_looked_at_twice(written, warnings):
    """A field without a person that could hold one is a warning, and loads (C1, P6)."""
    _, found = judged(sending(written))
    assert len(found) == warnings
    assert all(one.warning for one in found)


def test_path_and_header_parameters_need_no_bound():
    """A single segment or line is no free text; a personal name is still seen."""
    text = courier(
        ("/v2/parcels", "/v2/{reference}/{phone}"),
        (
            "    send:",
            (
                "    path: {reference: {category: none}, phone: {category: none}}\n"
                "    headers: {accept-language: {category: none}}\n    send:"
            ),
        ),
    )
    (message,) = messages(text)
    assert message.startswith('"phone" looks personal')


def test_headers_are_told_where_they_stand():
    """A header is found at its place, however the manifest spells it."""
    text = courier(("    send:", "    headers: {X-Phone: {category: basic.phone}}\n    send:"))
    (problem,) = judged(text)[1]
    assert text.splitlines()[problem.line - 1][problem.column - 1 :].startswith("basic.phone")
