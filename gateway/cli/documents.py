"""`gateway check` and `gateway explain`: what the documents say, before anything leaves."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from gateway.cli.output import Output, fail, table
from gateway.errors import CallerError, ConfigError, Problem


@click.command()
@click.option("--strict", is_flag=True, help="Make every warning an error.")
@click.pass_obj
def check(output: Output, strict: bool) -> None:
    """Check policies and manifests, show which clauses are covered, run the decision cases."""
    from gateway.decide.cases import Verdict, run_cases
    from gateway.policy.coverage import coverage
    from gateway.policy.load import load_home
    from gateway.wiring import check_upstreams, load_config, utc_now

    config = load_config(output.home)
    try:
        loaded = load_home(
            output.home / "policies",
            output.home / "partners",
            home_territory=config["home.territory"],
            strict=strict,
            today=utc_now().date(),
        )
        check_upstreams(loaded.policy)
        cases = _cases(output.home / "policies" / "cases")
    except ConfigError as error:
        _broken(output, error)
    results = run_cases(loaded.policy, cases)
    shown: dict[str, list[str]] = {}
    for one in results:
        if one.verdict is Verdict.PASSED:
            for clause in one.case.expected.clauses:
                shown.setdefault(clause, []).append(one.case.it)
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
            }
            for row in rows
        ],
        "cases": {
            "passed": len(passed),
            "failed": [str(one) for one in failed],
            "not_applicable": len(results) - len(passed) - len(failed),
        },
    }
    output.result(value, _report(loaded.warnings, rows, results, failed))
    if failed:
        raise click.exceptions.Exit(1)


def _report(warnings: Any, rows: Any, results: Any, failed: Any) -> str:
    parts = [str(one) for one in warnings]
    parts.append(
        table(
            ("clause", "status", "by"),
            [(row.clause, row.status, _short(_basis(row))) for row in rows],
        )
    )
    parts += [str(one) for one in failed]
    covered = sum(row.status == "covered" for row in rows)
    parts.append(
        f"{covered} of {len(rows)} clauses covered; {len(results)} decision cases, "
        f"{len(failed)} failed; {len(warnings)} warnings"
    )
    return "\n".join(parts)


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


def _cases(folder: Path) -> list[Any]:
    from gateway.decide.cases import parse_cases

    cases: list[Any] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
        try:
            cases += parse_cases(f"policies/cases/{path.name}", path.read_bytes())
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return cases


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
            f"  what would help: {value['remedy']}",
        ]
    if value["checks"]:
        rows = [
            (one["check"], one["result"], " ".join(one["clause"]), one["why"])
            for one in value["checks"]
        ]
        parts += ["", table(("check", "result", "clause", "why"), rows)]
    if value["fields"]:
        fates = [
            (one["fate"], one["pointer"], one["category"] or "—", one["clause"], one["why"])
            for one in value["fields"]
        ]
        parts += ["", table(("fate", "field", "category", "clause", "why"), fates)]
    return "\n".join(parts)
