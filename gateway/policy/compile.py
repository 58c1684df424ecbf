"""
From documents to one immutable policy set, or to everything that is wrong with
them.

The steps: read the YAML, read the rules, check the rules, read the manifests
and their key files, check the manifests. Every step goes on with what the one
before could make out, so that one run tells all mistakes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePath
from types import MappingProxyType

from gateway.errors import ConfigError, Problem
from gateway.model.ids import ClauseId, PartnerId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner
from gateway.policy.check import check_manifest, ending_agreement
from gateway.policy.check_rules import check_rules
from gateway.policy.citations import citations_of
from gateway.policy.documents import Document, scan_document
from gateway.policy.editions import digest_of
from gateway.policy.jwks import read_jwks
from gateway.policy.manifests import read_manifest
from gateway.policy.rules import RULE_DOCUMENTS, Rules, read_rules
from gateway.policy.words import instead, named

POLICIES = "policies"
PARTNERS = "partners"
"""How messages name the two folders, whatever they are called on disk."""

ReadKeyFile = Callable[[str], bytes]
"""From the absolute path of a key file to its bytes; raises `OSError` or `KeyError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A policy set that may be served, and what should not stay as it is."""

    policy: PolicySet
    warnings: tuple[Problem, ...]
    citations: Mapping[ClauseId, tuple[str, ...]]
    """Which documents cite each clause, by their names."""
    documents: Mapping[str, bytes]
    """Everything that was read, key files included, by the names over which the digest goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manifest:
    partner: Partner
    document: Document


def compile_set(
    documents: Mapping[str, bytes],
    manifests: Mapping[str, bytes],
    read_key_file: ReadKeyFile | Mapping[str, bytes],
    folder: PurePath,
    *,
    home_territory: str,
    strict: bool = False,
    today: date | None = None,
) -> Loaded:
    """
    Compile one set.

    `documents` are the files of `policies/` and `manifests` those of
    `partners/`, by file name. Paths in a manifest are made absolute against
    `folder`, the absolute path of `partners/`; with these the key files are
    read. With `strict` every warning counts as an error, but for agreements that
    will end soon. Agreements that ran out, or will, are told only if `today` is
    given.

    Raises `ConfigError` with every problem, warnings included.
    """
    read = read_key_file if callable(read_key_file) else read_key_file.__getitem__
    compiler = _Compiler(folder=folder, read_key_file=read, today=today)
    rules = compiler.rules(documents, home_territory)
    partners = compiler.partners(manifests, rules)
    warnings = compiler.verdict(strict=strict)
    read_files = {f"{POLICIES}/{name}": raw for name, raw in documents.items()}
    read_files |= {f"{PARTNERS}/{name}": raw for name, raw in manifests.items()}
    everything = read_files | compiler.key_files
    policy = PolicySet(
        edition=rules.edition,
        digest=digest_of(everything),
        home_territory=home_territory,
        territories=frozenset(code for code, allowed in rules.territories.items() if allowed),
        categories=MappingProxyType(dict(rules.categories)),
        purposes=MappingProxyType(dict(rules.purposes)),
        grounds=MappingProxyType(dict(rules.grounds)),
        kinds=MappingProxyType(dict(rules.kinds)),
        rights=rules.rights,
        promises=MappingProxyType(dict(rules.promises)),
        partners=MappingProxyType({partner.id: partner for partner in partners}),
    )
    citations = citations_of(read_files, rules.promises)
    return Loaded(policy=policy, warnings=warnings, citations=citations, documents=everything)


def compile_kept(
    documents: Mapping[str, bytes], folder: PurePath, *, home_territory: str
) -> Loaded:
    """
    Compile a set that was kept whole, from `Loaded.documents` alone.

    `folder` as for `compile_set`. Raises `ConfigError` where this program reads
    the documents more strictly than the one that kept them.
    """

    def inside(prefix: str) -> dict[str, bytes]:
        names = (name for name in documents if name.startswith(f"{prefix}/"))
        found = {name.removeprefix(f"{prefix}/"): documents[name] for name in names}
        return {name: raw for name, raw in found.items() if "/" not in name and _is_yaml(name)}

    return compile_set(
        inside(POLICIES),
        inside(PARTNERS),
        lambda path: documents[f"{PARTNERS}/{_relative(PurePath(path), folder)}"],
        folder,
        home_territory=home_territory,
    )


def _is_yaml(name: str) -> bool:
    return name.endswith(".yaml")


class _Compiler:
    """Collects problems, and the key files that were read, over the steps of one run."""

    def __init__(self, *, folder: PurePath, read_key_file: ReadKeyFile, today: date | None) -> None:
        self.key_files: dict[str, bytes] = {}
        self._folder = folder
        self._read_key_file = read_key_file
        self._today = today
        self._problems: list[Problem] = []
        # What is right today and will not be one day: never more than a warning.
        self._foreseen: list[Problem] = []
        # Where the YAML itself is wrong, what follows from it is not told too.
        self._yaml: dict[tuple[str, int, int], Problem] = {}

    def rules(self, raw: Mapping[str, bytes], home_territory: str) -> Rules:
        """What `policies/` says."""
        for name in sorted(set(RULE_DOCUMENTS) - set(raw)):
            self._tell(_at_file(f"{POLICIES}/{name}", "the document is missing, write it"))
        for name in sorted(set(raw) - set(RULE_DOCUMENTS)):
            message = f"{named(name)} is not read, {instead(name, RULE_DOCUMENTS)}"
            self._tell(replace(_at_file(f"{POLICIES}/{name}", message), warning=True))
        documents = {
            name: self._scan(f"{POLICIES}/{name}", raw[name])
            for name in RULE_DOCUMENTS
            if name in raw
        }
        rules, problems = read_rules(documents)
        self._tell(*problems, *check_rules(rules, documents))
        if rules.territories and not rules.territories.get(home_territory):
            code = named(home_territory)
            message = f"home territory {code} is not allowed, write {code}: {{allowed: true}} (K1)"
            self._tell(documents["territories.yaml"].problem(("territories",), message))
        return rules

    def partners(self, raw: Mapping[str, bytes], rules: Rules) -> list[Partner]:
        """The recipients that the manifests declare."""
        found: dict[PartnerId, _Manifest] = {}
        for name in sorted(raw):
            document = self._scan(f"{PARTNERS}/{name}", raw[name])
            partner, problems = read_manifest(document, raw[name], folder=self._folder)
            self._tell(*problems)
            if partner is None:
                continue
            if partner.id in found:
                other = found[partner.id].document.name
                message = f'"{partner.id}" is declared in {other} too, write another id'
                self._tell(document.problem(("partner",), message))
                continue
            partner = self._with_keys(partner, document)
            found[partner.id] = _Manifest(partner=partner, document=document)
            self._tell(*check_manifest(rules, partner, document, today=self._today))
            if self._today is not None:
                self._foreseen += ending_agreement(rules, partner, document, self._today)
        return [manifest.partner for manifest in found.values()]

    def verdict(self, *, strict: bool) -> tuple[Problem, ...]:
        """The warnings, if nothing worse was found; else raises `ConfigError` with everything."""
        problems = sorted(set(self._problems))
        if strict:
            problems = [replace(problem, warning=False) for problem in problems]
        if any(not problem.warning for problem in problems):
            raise ConfigError(sorted([*problems, *self._foreseen]))
        return tuple(sorted([*problems, *self._foreseen]))

    def _scan(self, name: str, raw: bytes) -> Document:
        document = scan_document(name, raw)
        self._yaml |= {_place(problem): problem for problem in document.problems}
        return document

    def _tell(self, *problems: Problem) -> None:
        for problem in problems:
            if self._yaml.get(_place(problem), problem) == problem:
                self._problems.append(problem)

    def _with_keys(self, partner: Partner, document: Document) -> Partner:
        """The partner with the keys of its file; what comes by URL is fetched later."""
        path = partner.keys
        if path is None or path.startswith("https:"):
            return partner
        try:
            raw = self._read_key_file(path)
        except (OSError, KeyError, ValueError):
            # ValueError: no path of any file, as it has a NUL in it.
            message = "the key file cannot be read, write the path of a file beside the manifest"
            self._tell(document.problem(("keys",), message))
            return partner
        if not _is_beside(PurePath(path), self._folder):
            message = "the key file lies outside partners/, move it to keys/ beside the manifest"
            self._tell(document.problem(("keys",), message, warning=True))
        self.key_files[f"{PARTNERS}/{_relative(PurePath(path), self._folder)}"] = raw
        jwks, mistakes = read_jwks(raw)
        self._tell(*(document.problem(("keys",), message) for message in mistakes))
        return replace(partner, jwks=jwks)


def _is_beside(path: PurePath, folder: PurePath) -> bool:
    """Whether a key file is inside `folder`: what lies elsewhere is not kept with the set."""
    return path.is_relative_to(folder) and ".." not in path.relative_to(folder).parts


def _relative(path: PurePath, folder: PurePath) -> str:
    # The digest says what was read, not on which machine.
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _place(problem: Problem) -> tuple[str, int, int]:
    return (problem.file, problem.line, problem.column)


def _at_file(name: str, message: str) -> Problem:
    return Problem(file=name, line=1, column=1, message=message)
