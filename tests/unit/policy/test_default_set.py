"""The set that the repository ships."""

import json
from datetime import date

import pytest

from gateway.model.policy import Kind, LeafKind
from gateway.policy.compile import compile_set
from gateway.policy.load import load_home
from gateway.policy.selectors import parse_selector
from tests.marks import promise
from tests.unit.policy.builders import REPOSITORY, TODAY

# Every row of REQUIREMENTS.
CLAUSES = (
    *("C1", "C2", "C3", "C4", "C5", "C6", "C7"),
    *("S1", "S2", "S3", "S4a", "S4b", "S4c", "S4d", "S5", "S6"),
    *("T1-3", "T4", "D1", "D2"),
    *("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "K1", "K2", "K3"),
    *("R1", "R2", "R3", "R4", "R5", "R6", "R7"),
    *("M1", "M2", "M3", "A1", "N1", "N2"),
)

PARTNERS = REPOSITORY / "partners"
MANIFESTS = sorted(PARTNERS.glob("*.yaml"))
LINES_OF_TWO_SCREENS = 100


@pytest.fixture(scope="module")
def loaded():
    """The default set, strictly."""
    return load_home(
        REPOSITORY / "policies", PARTNERS, home_territory="CN", strict=True, today=TODAY
    )


def test_the_default_set_loads_without_a_warning(loaded):
    """What a new home starts from has no mistake and nothing to warn of, even in strict mode."""
    assert loaded.warnings == ()


def test_every_promise_of_the_policy_is_a_row(loaded):
    """The promises are those of the published policy, in its order, no more and no fewer."""
    assert tuple(loaded.policy.promises) == CLAUSES


def test_there_is_a_recipient_of_every_kind_and_one_abroad(loaded):
    """The examples show each kind of recipient, and one across the border (K1)."""
    partners = loaded.policy.partners.values()
    assert {one.kind for one in partners} == set(Kind)
    assert any(loaded.policy.crosses_border(one) for one in partners)


def test_the_ids_of_the_contract_are_there(loaded):
    """Names that outside tests and manifests use are all there."""
    policy = loaded.policy
    assert set(policy.categories) >= {
        *("none", "basic.name", "basic.gender", "basic.address", "basic.phone"),
        *("network.account", "network.nickname", "network.ip", "network.password"),
        *("device.model", "device.os", "device.id", "location.precise", "location.coarse"),
        *("media.avatar", "transaction.order", "transaction.payment", "statistics"),
    }
    assert set(policy.purposes) >= {
        *("order-fulfilment", "payment", "account-login", "customer-support"),
        *("fraud-prevention", "location-services", "advertising", "analytics", "research"),
        *("legal-demand", "business-transfer", "public-display"),
    }
    assert all(purpose.version == 1 for purpose in policy.purposes.values())
    assert set(policy.grounds) == {
        *("consent", "core-function", "requested-service", "agreement", "legal-obligation"),
        *("dispute", "rights-protection", "research", "public-interest", "minor-protection"),
    }


@promise("C2")
def test_what_is_sensitive_is_marked(loaded):
    """Nickname, password, phone, precise location and payment are sensitive (C2)."""
    categories = loaded.policy.categories
    assert {id for id, one in categories.items() if one.sensitive} == {
        *("basic.phone", "network.nickname", "network.password"),
        *("location.precise", "transaction.payment"),
    }
    assert [id for id, one in categories.items() if not one.shareable] == ["network.password"]
    assert [id for id, one in categories.items() if not one.personal] == ["none", "statistics"]


@promise("S1", "S5", "M2")
def test_grounds_need_what_the_policy_says(loaded):
    """Evidence, registration, commerce and minors are as published (S1, S5, M2)."""
    grounds = loaded.policy.grounds
    assert {id for id, one in grounds.items() if not one.evidence} == {"consent", "core-function"}
    assert {id for id, one in grounds.items() if one.registered} == {
        *("dispute", "rights-protection"),
    }
    assert all(Kind.AUTHORITY in one.registered_kinds for one in grounds.values())
    assert [id for id, one in grounds.items() if not one.commercial] == ["rights-protection"]
    assert {id for id, one in grounds.items() if one.minors} == {
        *("legal-obligation", "minor-protection"),
    }


@promise("C3", "C6", "T1-3", "D1")
def test_purposes_are_marked_as_published(loaded):
    """Additional, commercial, de-identified and recorded purposes are marked (C3, C6, T1-3, D1)."""
    purposes = loaded.policy.purposes
    assert {id for id, one in purposes.items() if not one.core} == {
        *("location-services", "advertising"),
    }
    advertising = purposes["advertising"]
    assert (advertising.commercial, advertising.active_choice, advertising.sale) == (True,) * 3
    assert purposes["location-services"].separate_consent
    assert {id for id, one in purposes.items() if one.deidentified} == {"analytics", "research"}
    assert purposes["business-transfer"].leaf is LeafKind.TRANSFER
    assert purposes["public-display"].leaf is LeafKind.PUBLIC_DISCLOSURE
    assert purposes["legal-demand"].kinds == {Kind.AUTHORITY}


@promise("S3", "S6", "D2", "T4")
def test_kinds_have_their_rules(loaded):
    """Each kind of recipient is held to what the policy says of it."""
    kinds = loaded.policy.kinds
    assert kinds[Kind.PARTNER].categories_without_consent == ("network", "device", "location")
    assert [kind for kind, rule in kinds.items() if not rule.agreement] == [Kind.BRANCH]
    assert [kind for kind, rule in kinds.items() if rule.sealed] == [Kind.AUTHORITY]
    assert [kind for kind, rule in kinds.items() if rule.registered_demand] == [Kind.AUTHORITY]
    assert [kind for kind, rule in kinds.items() if rule.deidentified] == [Kind.RESEARCH]
    assert [kind for kind, rule in kinds.items() if rule.accepts_edition] == [Kind.SUCCESSOR]


@promise("P7")
def test_delivery_hides_name_and_phone(loaded):
    """The courier reads a masked name, and no phone number (P7)."""
    (shipment,) = [
        route
        for route in loaded.policy.partners["swift-parcel"].routes
        if route.id == "create-shipment"
    ]
    fields = {field.selector: field for field in shipment.send}
    assert fields["/recipient/name"].transform.name == "mask-name"
    assert fields["/recipient/phone"].sealed


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_the_set_loads_without_any_one_recipient(path):
    """A home is free to remove any recipient of the default set."""
    policies = {one.name: one.read_bytes() for one in (REPOSITORY / "policies").glob("*.yaml")}
    manifests = {one.name: one.read_bytes() for one in MANIFESTS if one != path}
    found = compile_set(
        policies,
        manifests,
        lambda name: (PARTNERS / "keys" / name.rsplit("/", 1)[-1]).read_bytes(),
        PARTNERS,
        home_territory="CN",
    )
    assert path.stem not in found.policy.partners
    assert found.warnings == ()


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_manifest_is_short_and_says_why(path, loaded):
    """A manifest is called like its recipient, fits on two screens and cites its clauses."""
    lines = path.read_text().splitlines()
    assert len(lines) <= LINES_OF_TWO_SCREENS
    assert path.stem in loaded.policy.partners
    assert any("S4a" in line or "(S6)" in line for line in lines)
    assert all(len(line) <= LINES_OF_TWO_SCREENS for line in lines)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_key_file_has_public_keys_only(path):
    """Each recipient has a key to seal for and one to check its receipts with, both public."""
    keys = json.loads((PARTNERS / "keys" / f"{path.stem}.jwks.json").read_text())["keys"]
    assert [key["use"] for key in keys] == ["enc", "sig"]
    assert all("d" not in key for key in keys)


def test_everything_points_to_example_domains(loaded):
    """No manifest of the default set names a host that exists."""
    for one in loaded.policy.partners.values():
        addresses = [one.upstream.base_url, one.deletion.url or "", one.contact]
        assert all(".example" in address for address in addresses if address)
        for route in one.routes:
            assert all(parse_selector(field.selector) for field in route.send)


def test_agreements_of_the_examples_run(loaded):
    """A new home can share at once: no example starts with an agreement that is over (S4a)."""
    running = [
        one.agreement.active(on=date(2026, 11, 22))
        for one in loaded.policy.partners.values()
        if one.agreement is not None
    ]
    assert len(running) == len(loaded.policy.partners) - 1
    assert all(running)
