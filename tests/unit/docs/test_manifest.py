"""The page of manifests against what the checker reads."""

from dataclasses import fields

from gateway.model.recipients import Agreement, Seal, State, Upstream
from gateway.policy import fields as policy_fields
from gateway.policy import manifests, notice_terms, rest_terms, routes, upstreams
from tests.unit.docs.pages import REFERENCE, ROOT, only, sections, tables

PROMISES = (ROOT / "policies" / "promises.yaml").read_text(encoding="utf-8")


def manifest_keys(heading: str, first: str = "key") -> list[str]:
    """The keys that a section of the manifest's page names."""
    rows = tables(sections(REFERENCE / "manifest.md")[heading], first)
    assert all(row[column] for row in rows for column in list(row)[:2])
    return [only(row[first]) for row in rows]


def test_every_key_of_a_manifest_is_in_its_page_and_no_other() -> None:
    """What a manifest may say is in the page, part by part."""
    assert manifest_keys("The recipient") == sorted(
        manifests._MANIFEST, key=manifest_keys("The recipient").index
    )
    assert set(manifest_keys("`agreement`")) == {field.name for field in fields(Agreement)}
    assert set(manifest_keys("`upstream`")) == set(upstreams._UPSTREAM)
    assert set(manifest_keys("`upstream`", "`auth`")) == set(upstreams.SCHEMES)
    assert set(manifest_keys("`upstream`", "`tls`")) == set(upstreams._TLS)
    assert set(manifest_keys("A route")) == set(routes._ROUTE)
    assert set(manifest_keys("A field")) == set(policy_fields._FIELD)
    assert set(manifest_keys("`receive`")) == {*policy_fields._RECEIVED, "content", "max"}
    assert set(manifest_keys("`deletion`")) == set(notice_terms._KEYS)
    assert set(manifest_keys("`requests`", "key of a request")) == set(rest_terms._REQUEST)
    assert set(manifest_keys("`requests`", "key of `poll`")) == set(rest_terms._POLL)
    assert set(manifest_keys("`requests`", "key of `says`")) == {"at", "values"}


def test_defaults_and_clauses_of_a_manifest_are_true() -> None:
    """A key is told to be required exactly if it is; defaults are the program's; clauses exist."""
    parts = sections(REFERENCE / "manifest.md")
    required = {
        "The recipient": manifests._REQUIRED,
        "A route": routes._REQUIRED,
        "A field": ("category",),
        "`agreement`": ("reference", "signed", "expires"),
        "`upstream`": ("base_url",),
        "`deletion`": ("protocol",),
    }
    told: dict[str, str] = {}
    for heading, needed in required.items():
        rows = {only(row["key"]): row for row in tables(parts[heading], "key")}
        assert {key for key, row in rows.items() if row["default"] == "required"} == set(needed)
        told |= {f"{heading} {key}": row["default"] for key, row in rows.items()}
        for row in rows.values():
            assert row["clause"] == "—" or f"\n  {row['clause']}:" in PROMISES
    standard = Upstream(base_url="")

    assert told["`upstream` timeout"] == f"`{standard.timeout.seconds}s`"
    assert told["`upstream` connect_timeout"] == f"`{standard.connect_timeout.seconds}s`"
    assert told["`upstream` response_limit"] == f"`{standard.response_limit >> 20}MiB`"
    assert told["The recipient state"] == f"`{State.ACTIVE}`"
    assert told["A route seal"] == f"`{Seal.NONE}`"
