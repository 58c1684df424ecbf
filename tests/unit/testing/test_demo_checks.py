"""The checks of the demonstration: each must be able to fail."""

import base64
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.ledger import merkle
from gateway.ledger.checkpoint import Checkpoint, sign, tlog_proof
from gateway.ledger.encode import leaf_hash
from gateway.testing.demo import minimum, plan, proof
from gateway.testing.demo.claims import Claim, Claims
from gateway.testing.demo.documents import leaves
from gateway.testing.demo.manifests import route_of
from gateway.testing.demo.minimum import Arrival
from gateway.testing.demo.people_in_it import Choice, members
from gateway.testing.demo.recipients import ROLES
from gateway.testing.demo.screen import Screen, cut, width
from tests.unit.testing.demo_builders import ARRIVED, MANIFEST, a_sent, an_arrival


@pytest.mark.parametrize(
    "look",
    [
        minimum.undeclared,
        minimum.altered,
        minimum.unsealed_on_the_wire,
        minimum.unmasked,
        minimum.wrong_proof,
        minimum.linkable,
    ],
)
def test_a_share_that_arrived_as_declared_raises_no_problem(look: Any) -> None:
    """Each comparison looks at something, and finds nothing wrong where nothing is."""
    found = look([an_arrival()])

    assert found.problems == []
    assert found.looked_at > 0


@pytest.mark.parametrize(
    ("look", "wrong"),
    [
        (minimum.undeclared, an_arrival({**ARRIVED, "birthday": "1990-05-01"})),
        (minimum.undeclared, an_arrival({**ARRIVED, "items": [{"sku": "TEA-01", "title": "茶"}]})),
        (minimum.undeclared, an_arrival({**ARRIVED, "empty": {}})),
        (minimum.undeclared, an_arrival(target="/api/v2/shipments/LO-1?buyer=x")),
        (minimum.undeclared, an_arrival(headers={"Cookie": "sid=1"})),
        (minimum.altered, an_arrival({**ARRIVED, "items": [{"sku": "TEA-02"}]})),
        (minimum.altered, an_arrival({**ARRIVED, "items": [{"sku": "TEA-01"}, {"sku": "TEA-01"}]})),
        (minimum.unsealed_on_the_wire, an_arrival(wire=b'{"phone": "13800000000"}')),
        (minimum.unmasked, an_arrival({**ARRIVED, "name": "欧阳*"})),
        (minimum.wrong_proof, an_arrival(headers={"Authorization": "Bearer wrong"})),
        (minimum.came_back, an_arrival(answer={"tracking_number": "SP1", "courier": "周"})),
    ],
)
def test_what_should_not_have_arrived_is_found(look: Any, wrong: Arrival) -> None:
    """One thing too many, altered, open, unmasked or unproven is a problem, told without values."""
    found = look([an_arrival(), wrong])

    assert len(found.problems) == 1
    assert "13800000000" not in found.problems[0]
    assert "欧阳" not in found.problems[0]


def test_a_body_that_should_be_sealed_and_is_json_is_found() -> None:
    """A body is sealed only if it says so and cannot be read."""
    one = an_arrival(wire=b"{}")
    one = replace(one, declared=replace(one.declared, seal="body"))

    assert minimum.unsealed_on_the_wire([one]).problems == ["swift-parcel: the body came open"]


def test_a_person_with_two_names_at_a_recipient_is_found() -> None:
    """Two pseudonyms of one person at one recipient are a problem."""
    found = minimum.linkable([an_arrival(), an_arrival(sub="somebody-else")])

    assert found.problems == ["a person has two pseudonyms at one recipient"]


def test_a_name_that_two_recipients_share_is_found() -> None:
    """A pseudonym that two recipients know could link what they hold."""
    other = an_arrival()
    other = replace(other, recipient=replace(other.recipient, role=ROLES[1]))

    assert minimum.linkable([an_arrival(), other]).problems == ["two recipients know one pseudonym"]


def test_a_repetition_that_arrived_or_was_answered_otherwise_is_found() -> None:
    """A repeated share must have arrived once, with the same answer twice."""
    same, other = a_sent().reply, a_sent({"tracking_number": "SP2"}).reply

    assert minimum.sent_twice([a_sent(repeated=same)], lambda share: 1).problems == []
    assert len(minimum.sent_twice([a_sent(repeated=same)], lambda share: 2).problems) == 1
    assert len(minimum.sent_twice([a_sent(repeated=other)], lambda share: 1).problems) == 1


def test_a_route_is_found_by_method_path_and_purpose_only() -> None:
    """What came by no declared route raises, whatever it looks like."""
    with pytest.raises(LookupError):
        route_of(MANIFEST, "PUT", "/api/v2/shipments/LO-1", "order-fulfilment")
    with pytest.raises(LookupError):
        route_of(MANIFEST, "POST", "/api/v2/shipments/LO-1/x", "order-fulfilment")
    with pytest.raises(LookupError):
        route_of(MANIFEST, "POST", "/api/v2/shipments/LO-1", "advertising")


def test_a_claim_about_nothing_fails() -> None:
    """Looking at nothing proves nothing, and no claims at all are no success."""
    told: list[Claim] = []
    claims = Claims(told.append)

    assert claims.hold is False
    assert claims.none_of("all is well", [], 1, "things") is True
    assert claims.hold is True
    assert claims.none_of("all is well", [], 0, "things") is False
    assert claims.none_of("all is well", ["a hole"], 3, "things") is False
    assert claims.hold is False
    assert [claim.ok for claim in told] == [True, False, False]
    assert told[-1].detail == "1 of 3 things: a hole"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 21])
def test_a_leafs_way_to_the_root_is_checked(size: int) -> None:
    """The proof of each leaf leads to the root, and that of any other leaf does not."""
    written = [json.dumps({"id": f"leaf-{n}"}).encode() for n in range(size)]
    key = Ed25519PrivateKey.generate()
    jwks, texts = _proofs(written, key)

    for index, leaf in enumerate(written):
        assert proof.check(texts[index], leaf, jwks) == (index, size)
        with pytest.raises(proof.ProofFails):
            proof.check(texts[index], leaf + b" ", jwks)
        with pytest.raises(proof.ProofFails):
            proof.check(texts[index].replace(f"index {index}\n", f"index {size}\n"), leaf, jwks)


def test_a_head_that_no_trusted_key_signed_is_refused() -> None:
    """A proof under a checkpoint of somebody else's key shows nothing."""
    jwks, _ = _proofs([b"{}"], Ed25519PrivateKey.generate())
    _, texts = _proofs([b"{}"], Ed25519PrivateKey.generate())

    with pytest.raises(proof.ProofFails, match="no trusted key"):
        proof.check(texts[0], b"{}", jwks)


def _proofs(written: list[bytes], key: Ed25519PrivateKey) -> tuple[dict[str, Any], list[str]]:
    """The public keys, and a proof for each leaf, as the gateway writes them."""
    hashes, size = [leaf_hash(leaf) for leaf in written], len(written)
    tiles = merkle.extend({}, 0, hashes)
    head = Checkpoint(origin="gateway.example/ledger", size=size, root=merkle.root(tiles, size))
    note = sign(head, head.origin, key)
    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    jwk = {"kty": "OKP", "crv": "Ed25519", "kid": "checkpoint-1", "x": x}
    texts = [tlog_proof(n, merkle.inclusion(tiles, n, size), note) for n in range(size)]
    return {"keys": [{**jwk, "kid": "grant-1"}, jwk]}, texts


def test_a_document_is_listed_value_by_value() -> None:
    """Pointers say the place, selectors the rule; an empty container below the top counts."""
    document = {"a": [{"b/c": 1}, {"b/c": None}], "d": {}, "e~": "x"}

    assert [(leaf.pointer, leaf.selector) for leaf in leaves(document)] == [
        ("/a/0/b~1c", "/a/*/b~1c"),
        ("/a/1/b~1c", "/a/*/b~1c"),
        ("/d", "/d"),
        ("/e~0", "/e~0"),
    ]
    assert list(leaves({})) == []


def test_chinese_text_takes_two_columns_a_character() -> None:
    """Columns stay aligned whatever the text, and a cut one says so."""
    assert width("欧阳a") == 5
    assert cut("欧阳明在这里", 7) == "欧阳明…"
    assert cut("欧阳明", 6) == "欧阳明"


def test_nothing_is_coloured_where_nobody_looks() -> None:
    """In a file there are no escape sequences and no bar; quiet, there is nothing."""
    file, silent = io.StringIO(), io.StringIO()
    for screen in (Screen(file), Screen(silent, quiet=True)):
        screen.title("A title")
        screen.progress(1, 2, "shares")
        screen.claim(Claim(text="all is well", ok=False, detail="it is not"))

    assert file.getvalue() == "A title\n  ✗ all is well\n      it is not\n"
    assert silent.getvalue() == ""


def test_a_days_plan_is_the_same_each_time_and_expects_refusals() -> None:
    """The same size gives the same day, with carried and refused shares of every choice."""
    cast, now = members(), datetime(2026, 11, 2, 9, tzinfo=UTC)
    orders = [(demand, f"ev_{n}") for n, demand in enumerate(plan.demands(cast))]
    first, second = (plan.plan(cast, orders, 300, now) for _ in range(2))

    assert first == second
    assert len(first) == 300
    assert {one.expected for one in first} == {
        None,
        "consent-missing",
        "consent-withdrawn",
        "cross-border-consent-missing",
    }
    assert all(one.member.guardian in (None, Choice.YES) for one in first)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (2, 3), (3, 7), (4, 8), (7, 21), (8, 9)])
def test_a_ledger_that_grew_is_told_from_one_that_was_rewritten(old: int, new: int) -> None:
    """The proof leads from one root to the next, and with anything else in it to none."""
    hashes = [leaf_hash(f'{{"id":"leaf-{n}"}}'.encode()) for n in range(new)]
    tiles = merkle.extend({}, 0, hashes)
    first, second = ((size, merkle.root(tiles, size)) for size in (old, new))
    steps = merkle.consistency(tiles, old, new)

    proof.check_extends(first, second, steps)
    for wrong in (
        ((old, hashes[-1]), second, steps),
        (first, (new, hashes[-1]), steps),
        (first, second, steps[:-1]),
        (first, second, [*steps, hashes[0]]),
        (second, first, steps),
        (first, second, []),
    ):
        with pytest.raises(proof.ProofFails):
            proof.check_extends(*wrong)
