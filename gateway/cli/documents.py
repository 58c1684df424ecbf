"""`gateway check` and `gateway explain`: what the documents say, before anything leaves."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gateway.cli.output import Output, fail, table
from gateway.errors import CallerError, ConfigError, Problem

if TYPE_CHECKING:
    from gateway.model.policyset import PolicySet
    from gateway.model.settings import Config
    from gateway.policy.compile import Loaded

CASES = "policies/cases"


@click.command()
@click.option("--strict", is_flag=True, help="Make every warning an error.")
@click.pass_obj
def check(output: Output, strict: bool) -> None:
    """Check policies and manifests, show which clauses are covered, run the decision cases."""
    from gateway.decide.cases import Verdict, run_cases
    from gateway.policy.coverage import Shown, coverage
    from gateway.wiring import load_config

    config = load_config(output.home)
    cases, problems = _cases(output.home / CASES)
    try:
        loaded = _set(config, strict=strict)
    except ConfigError as error:
        # What is wrong with the cases is told together with what is wrong elsewhere.
        _broken(output, ConfigError([*problems, *error.problems]) if error.problems else error)
    if problems:
        _broken(output, ConfigError(problems))
    results = run_cases(loaded.policy, cases)
    shown: dict[str, list[Shown]] = {}
    for one in results:
        if one.verdict is Verdict.PASSED:
            for clause in one.case.expected.about:
                case = Shown(it=one.case.it, carried=one.case.expected.carried)
                shown.setdefault(clause, []).append(case)
    rows = coverage(loaded.policy, citations=loaded.citations, cases=shown)  # type: ignore[arg-type]
    failed = [one for one in results if one.verdict is Verdict.FAILED]
    passed = [one for one in results if one.verdict is Verdict.PASSED]
    value = {
        "ok": not failed,
        "edition": loaded.policy.edition.number,
        "digest": loaded.policy.digest,
        "partners": len(loaded.policy.partners),
        "problems": [_problem(one) for one in loaded.warnings],
        "clauses": [
            {
                "clause": row.clause,
                "status": row.status,
                "by": list(row.by),
                "enforced_by": row.enforced_by,
                "missing": row.missing,
                "no_decision": row.no_decision,
                "cases": {"carried": row.carried, "refused": row.refused},
            }
            for row in rows
        ],
        "coverage": _counted(rows),
        "ways": _other_ways(loaded.policy),
        "cases": {
            "passed": len(passed),
            "failed": [str(one) for one in failed],
            "not_applicable": len(results) - len(passed) - len(failed),
        },
    }
    output.result(value, _report(loaded.warnings, value["ways"], rows, results, failed))
    if failed:
        raise click.exceptions.Exit(1)


def _with_wider(config: "Config", loaded: "Loaded", *, strict: bool) -> "Loaded":
    """Warned, or refused, where documents widen an edition that was in force (N1)."""
    from gateway.cli.comparing import unnumbered

    wider = asyncio.run(unnumbered(config, loaded))
    if strict and wider:
        raise ConfigError([replace(one, warning=False) for one in wider])
    return replace(loaded, warnings=(*loaded.warnings, *wider))


def _report(warnings: Any, other_ways: Any, rows: Any, results: Any, failed: Any) -> str:
    parts = [str(one) for one in (*warnings, *other_ways)]
    parts.append(
        table(
            ("clause", "status", "cases", "by"),
            [(row.clause, row.status, _shown_by(row), _short(_basis(row))) for row in rows],
        )
    )
    parts += [str(one) for one in failed]
    counted = ", ".join(f"{number} {status}" for status, number in _counted(rows).items())
    parts.append(
        f"{len(rows)} clauses: {counted}; {len(results)} decision cases, "
        f"{len(failed)} failed; {len(warnings)} warnings"
    )
    return "\n".join(parts)


def _other_ways(policy: "PolicySet") -> list[str]:
    """What recipients are told of by another way than their protocol: one line for each."""
    from gateway.policy.notice_terms import ways

    return [
        line
        for partner in sorted(policy.partners.values(), key=lambda one: one.id)
        if partner.deletion is not None
        for line in ways(partner.id, partner.deletion)
    ]


def _counted(rows: Any) -> dict[str, int]:
    """How many clauses stand how; `covered` and `partly` always, `missing` if there are any."""
    found = {"covered": 0, "partly": 0}
    for row in rows:
        found[row.status] = found.get(row.status, 0) + 1
    return found


def _shown_by(row: Any) -> str:
    """How many decision cases show a clause; a stroke where none can."""
    if row.no_decision:
        return "—"
    return f"{row.carried} carried, {row.refused} refused"


def _basis(row: Any) -> str:
    """What a clause lacks, else what stands for it."""
    return str(row.missing or ", ".join(row.by) or row.enforced_by)


def _short(text: str) -> str:
    return text if len(text) <= 90 else text[:87] + "…"


def _problem(one: Problem) -> Mapping[str, Any]:
    return {
        "file": one.file,
        "line": one.line,
        "column": one.column,
        "message": one.message,
        "warning": one.warning,
    }


def _broken(output: Output, error: ConfigError) -> NoReturn:
    if output.as_json:
        value = {"ok": False, "problems": [_problem(one) for one in error.problems]}
        output.result(value, "")
    fail(str(error), 2)


def _set(config: "Config", *, strict: bool) -> "Loaded":
    from gateway.policy.load import load_home
    from gateway.wiring import check_upstreams, utc_now

    loaded = load_home(
        config.home / "policies",
        config.home / "partners",
        home_territory=config["home.territory"],
        strict=strict,
        today=utc_now().date(),
    )
    check_upstreams(loaded.policy)
    return _with_wider(config, loaded, strict=strict)


def _cases(folder: Path) -> tuple[list[Any], list[Problem]]:
    """The decision cases, and what is wrong with those that cannot be read."""
    from gateway.decide.cases import parse_cases
    from gateway.policy.load import read_folder

    found, problems = read_folder(folder, CASES) if folder.is_dir() else ({}, [])
    cases: list[Any] = []
    for name, raw in found.items():
        try:
            cases += parse_cases(f"{CASES}/{name}", raw)
        except ConfigError as error:
            problems += error.problems
    return cases, problems


@click.command()
@click.option("--partner", required=True)
@click.option("--route", required=True, help='Method and path, for example "POST /v2/parcels".')
@click.option("--purpose", required=True)
@click.option("--subject", required=True, help="The app's id of the person.")
@click.option("--body", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--ground")
@click.option("--evidence")
@click.pass_obj
def explain(
    output: Output,
    partner: str,
    route: str,
    purpose: str,
    subject: str,
    body: Path | None,
    ground: str | None,
    evidence: str | None,
) -> None:
    """Tell what would be decided and what would leave; nothing is sent, nothing recorded."""
    from gateway.cli.explaining import Question, explained
    from gateway.cli.fates import change

    method, _, path = route.strip().partition(" ")
    question = Question(
        partner=partner,
        method=method.upper(),
        path=path.strip(),
        purpose=purpose,
        subject=subject,
        body=body.read_bytes() if body else None,
        ground=ground,
        evidence=evidence,
    )
    try:
        value = asyncio.run(explained(output.home, question))
    except CallerError as error:
        value = {
            "decision": "refused",
            "code": error.code,
            "detail": error.detail,
            "clause": list(error.clauses),
            "remedy": error.remedy,
            "changes": [change(error.reason, error.detail, error.clauses, error.remedy)],
            "checks": [],
            "fields": [],
        }
    output.result(value, _told(value))
    if value["decision"] != "permitted":
        raise click.exceptions.Exit(1)


def _told(value: Mapping[str, Any]) -> str:
    if value["decision"] == "permitted":
        parts = [f"permitted on the ground {value['ground']}"]
    else:
        parts = [
            f"refused: {value['code']} ({', '.join(value['clause']) or 'no clause'})",
            f"  {value['detail']}",
            "",
            "what would have to change:",
            *_changes(value["changes"]),
        ]
    if value["checks"]:
        rows = [
            (one["check"], one["result"], " ".join(one["clause"]), _short_of(one))
            for one in value["checks"]
        ]
        parts += ["", table(("check", "result", "clause", "why"), rows)]
    if value["fields"]:
        fates = [
            (
                one["fate"],
                one["pointer"] or "the body",
                one["category"] or "—",
                one["rule"],
                " ".join(one["clauses"]),
                one["why"],
            )
            for one in value["fields"]
        ]
        headings = ("fate", "field", "category", "rule", "clause", "why")
        parts += ["", table(headings, fates)]
    return "\n".join(parts)


def _short_of(check: Mapping[str, Any]) -> str:
    """What a check says; of one that failed the code alone, as the rest stands above."""
    why: str = check["why"]
    return why.partition(":")[0] if "fail" in check["result"] else why


def _changes(changes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for number, one in enumerate(changes, start=1):
        yield f"  {number}. {one['remedy']}"
        yield f"     {one['code']} ({', '.join(one['clause']) or 'no clause'}): {one['detail']}"
