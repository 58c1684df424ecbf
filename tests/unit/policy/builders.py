"""Small valid documents, and the one change that a test is about."""

from datetime import date
from functools import cache
from pathlib import Path, PurePosixPath

from gateway.errors import Problem
from gateway.model.recipients import Partner, Route
from gateway.policy.check import check_manifest
from gateway.policy.compile import Loaded, compile_set
from gateway.policy.documents import scan_document
from gateway.policy.manifests import read_manifest
from gateway.policy.reading import Collector, Node, root_of
from gateway.policy.rules import Rules, read_rules

REPOSITORY = Path(__file__).parents[3]
FOLDER = PurePosixPath("/home/partners")
TODAY = date(2026, 11, 22)

COURIER = """\
partner: courier
name: Courier Co.
owner: logistics
kind: processor
territory: CN
contact: privacy@courier.example
agreement: {reference: NDA-2026-1, signed: 2026-01-10, expires: 2028-01-10}
upstream: {base_url: https://api.courier.example}
routes:
  create-parcel:
    match: POST /v2/parcels
    purpose: order-fulfilment@1
    ground: core-function
    retention: 30d
    send:
      /order: {category: transaction.order}
deletion: {protocol: manual}
"""


def default_policies() -> dict[str, bytes]:
    """The documents of the repository's own `policies/`."""
    folder = REPOSITORY / "policies"
    return {path.name: path.read_bytes() for path in folder.glob("*.yaml")}


def courier(*changes: tuple[str, str]) -> str:
    """A valid manifest, with each `(old, new)` applied once."""
    return changed(COURIER, *changes)


def changed(text: str, *changes: tuple[str, str]) -> str:
    """`text` with each `(old, new)` applied once; every old text must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def sending(field: str, *changes: tuple[str, str]) -> str:
    """A valid manifest whose one route sends one field, written as in `send:`."""
    return courier(("/order: {category: transaction.order}", field), *changes)


def load(
    *manifests: str,
    policies: dict[str, bytes] | None = None,
    keys: dict[str, bytes] | None = None,
    strict: bool = False,
) -> Loaded:
    """The set of these manifests under the default policy, as of `TODAY`."""
    return compile_set(
        policies or default_policies(),
        {f"{number}.yaml": text.encode() for number, text in enumerate(manifests)},
        keys or {},
        FOLDER,
        home_territory="CN",
        strict=strict,
        today=TODAY,
    )


@cache
def default_rules() -> Rules:
    """What the default `policies/` say."""
    raw = default_policies()
    rules, mistakes = read_rules({name: scan_document(name, raw[name]) for name in raw})
    assert mistakes == []
    return rules


def judged(text: str) -> tuple[Partner | None, list[Problem]]:
    """The recipient of a manifest, and all that is wrong with it under the default policy."""
    document = scan_document("0.yaml", text.encode())
    found, mistakes = read_manifest(document, text.encode(), folder=FOLDER)
    if found is not None:
        mistakes = [*mistakes, *check_manifest(default_rules(), found, document, today=TODAY)]
    return found, sorted(mistakes)


def messages(text: str) -> list[str]:
    """What is told of a manifest, warnings too."""
    return [problem.message for problem in judged(text)[1]]


def partner(text: str) -> Partner:
    """The recipient of a manifest that loads without a warning."""
    found, mistakes = judged(text)
    assert mistakes == []
    assert found is not None
    return found


def route(text: str) -> Route:
    """The one route of a manifest that loads without a warning."""
    (found,) = partner(text).routes
    return found


def node(text: str) -> tuple[Node, Collector]:
    """The root of a document that is YAML without a mistake."""
    document = scan_document("file.yaml", text.encode())
    assert document.problems == ()
    return root_of(document)
