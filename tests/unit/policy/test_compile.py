"""From documents to one immutable policy set."""

import dataclasses

import pytest

from gateway.errors import ConfigError
from gateway.policy.compile import compile_set
from gateway.policy.documents import scan_document
from tests.unit.policy.builders import COURIER, FOLDER, courier, default_policies, load

WARNED = courier(("deletion: {protocol: manual}\n", ""))


def told(*manifests: str, **settings) -> list[str]:
    """Everything that stops this set."""
    with pytest.raises(ConfigError) as caught:
        load(*manifests, **settings)
    return [str(problem) for problem in caught.value.problems]


def test_a_set_is_one_immutable_value():
    """Nobody can change a set that requests were decided under."""
    policy = load(COURIER).policy
    assert list(policy.partners) == ["courier"]
    assert policy.home_territory == "CN"
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.digest = "x"
    with pytest.raises(TypeError):
        policy.partners["other"] = policy.partners["courier"]


def test_compiling_changes_no_document():
    """A document is read once and serves many sets, so each finds it as it was written."""
    before = repr(scan_document("partners/0.yaml", COURIER.encode()))
    first = load(COURIER)

    assert repr(scan_document("partners/0.yaml", COURIER.encode())) == before
    assert repr(load(COURIER)) == repr(first)


def test_the_digest_depends_on_every_byte_that_was_read():
    """The same documents give the same digest; each change gives another."""
    keyed = courier(("territory: CN\n", "territory: CN\nkeys: keys/a.json\n"))
    path = f"{FOLDER}/keys/a.json"
    sets = [
        load(keyed, keys={path: b'{"keys": []}'}),
        load(keyed, keys={path: b'{"keys":  []}'}),
        load(keyed + "# \n", keys={path: b'{"keys": []}'}),
        load(COURIER),
        load(),
    ]
    assert len({loaded.policy.digest for loaded in sets}) == len(sets)
    assert load(COURIER).policy.digest == load(COURIER).policy.digest


def test_the_digest_does_not_depend_on_the_machine():
    """Where a home lies on disk is no part of what it says."""
    keyed = courier(("territory: CN\n", "territory: CN\nkeys: keys/a.json\n")).encode()

    def digest(folder):
        keys = {str(folder / "keys" / "a.json"): b'{"keys": []}'}
        loaded = compile_set(
            default_policies(), {"a.yaml": keyed}, keys, folder, home_territory="CN"
        )
        return loaded.policy.digest

    assert digest(FOLDER) == digest(FOLDER.parent / "elsewhere")


def test_only_allowed_territories_are_in_the_set():
    """A territory that the policy names and closes is not among those data may go to (K1)."""
    policy = load(courier(("territory: CN", "territory: SG"))).policy
    assert {"CN", "SG"} <= policy.territories
    assert "KP" not in policy.territories
    assert policy.crosses_border(policy.partners["courier"])


def test_warnings_load_and_are_told():
    """What would only be refused later does not stop the set."""
    loaded = load(WARNED)
    assert [str(one) for one in loaded.warnings] == [
        (
            "partners/0.yaml:1:10: warning: deletion: is missing, write how this recipient is told "
            "to delete (R3)"
        )
    ]


def test_strict_makes_errors_of_warnings():
    """With strict nothing loads that should not stay."""
    assert [line.split(": ")[0] for line in told(WARNED, strict=True)] == ["partners/0.yaml:1:10"]
    assert load(COURIER, strict=True).warnings == ()


def test_mistakes_of_all_documents_are_told_together():
    """A broken policy does not hide a broken manifest, nor the other way round."""
    policies = default_policies() | {"rights.yaml": b"default_days: no\n"}
    lines = told(
        courier(("kind: processor", "kind: x")),
        courier(("core-function", "x")),
        policies=policies,
    )
    assert {line.split(":")[0] for line in lines} == {
        "partners/0.yaml",
        "partners/1.yaml",
        "policies/rights.yaml",
    }


def test_an_unreadable_policy_is_not_held_against_manifests():
    """While the purposes cannot be read, no manifest is told that its purpose is unknown."""
    lines = told(COURIER, policies=default_policies() | {"purposes.yaml": b"purposes: ["})
    assert [line.split(":")[0] for line in lines] == ["policies/purposes.yaml"]


@pytest.mark.parametrize("name", sorted(default_policies()))
def test_every_policy_document_is_needed(name):
    """A document that is missing is told by its name."""
    policies = {key: raw for key, raw in default_policies().items() if key != name}
    assert f"policies/{name}:1:1: the document is missing, write it" in told(policies=policies)


def test_a_document_that_nobody_reads_is_a_warning():
    """A misspelt file name is told with the right one."""
    (warning,) = load(policies=default_policies() | {"purpose.yaml": b"x: 1\n"}).warnings
    assert warning.message == '"purpose.yaml" is not read, write "purposes.yaml"'


def test_two_manifests_cannot_declare_one_recipient():
    """The second manifest of an id is told, with the first one's file."""
    assert told(COURIER, COURIER) == [
        'partners/1.yaml:1:10: "courier" is declared in partners/0.yaml too, write another id'
    ]


def test_the_home_is_where_data_may_be():
    """A home territory that the policy does not allow stops the set (K1)."""
    with pytest.raises(ConfigError) as caught:
        compile_set(default_policies(), {}, {}, FOLDER, home_territory="KP")
    assert 'home territory "KP" is not allowed' in str(caught.value)


def test_citations_name_the_documents():
    """For each clause the documents that cite it are known, comments of manifests included."""
    citations = load(COURIER + "# for the courier, S4b\n").citations
    assert citations["K1"] == ("policies/territories.yaml",)
    assert "partners/0.yaml" in citations["S4b"]
