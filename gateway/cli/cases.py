"""`gateway case …`: who was told, who answered, what a person must settle."""

from pathlib import Path
from typing import Any

import click

from gateway.cli.actions import answer, refuse
from gateway.cli.case_lists import list_
from gateway.cli.case_view import shown
from gateway.cli.mass import mass
from gateway.cli.mass_words import certificate_line
from gateway.cli.output import Output, fail
from gateway.cli.reach import reach
from gateway.cli.settling import evidence, resolve, retry


@click.group()
def case() -> None:
    """Requests of people: list, show, answer, settle, prove, verify."""


case.add_command(mass)


case.add_command(list_)
case.add_command(refuse)
case.add_command(answer)
case.add_command(resolve)
case.add_command(retry)
case.add_command(evidence)


@case.command()
@click.argument("id")
@click.pass_obj
def show(output: Output, id: str) -> None:
    """One case, and how each recipient stands."""

    async def directly(gateway: Any) -> Any:
        from gateway.flows.listing import shown_case

        found = await gateway.store.case(id)
        if found is None:
            fail(f"not-found: there is no case {id}: `gateway case list` shows them", 1)
        return shown_case(gateway, found)

    value = reach(
        output.home, scope="case:read", method="GET", path=f"/v1/cases/{id}", directly=directly
    )
    output.result(value, shown(value))


@case.command()
@click.argument("id")
@click.option("--interim", is_flag=True, help="As it stands now, before the case is closed.")
@click.option("--page", is_flag=True, help="As a page to print, with the signed text in it.")
@click.pass_obj
def certificate(output: Output, id: str, interim: bool, page: bool) -> None:
    """The signed record of a case; it stands alone on standard output."""

    async def directly(gateway: Any) -> Any:
        from gateway.web.cases import certified
        from gateway.web.replies import certificate_text

        found = await gateway.store.case(id)
        if found is None:
            fail(f"not-found: there is no case {id}: `gateway case list` shows them", 1)
        if found.state.value == "open" and not interim:
            fail("case-open: not every notice is settled: wait, or ask with --interim", 1)
        token = await certified(gateway, found)
        return certificate_text(gateway, token) if page else token

    query = f"?format={'html' if page else 'jose'}" + ("&interim=true" if interim else "")
    token = reach(
        output.home,
        scope="case:read",
        method="GET",
        path=f"/v1/cases/{id}/certificate{query}",
        directly=directly,
    )
    output.result({"page" if page else "certificate": token}, token.rstrip("\n"))


@case.command()
@click.argument("notice")
@click.option("--text", is_flag=True, help="The text of a mail; else a page to print.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="One language; else both.")
@click.pass_obj
def letter(output: Output, notice: str, text: bool, language: str | None) -> None:
    """
    What a person sends to a recipient that no program tells; alone on standard output.

    It names the person by ids of that recipient, and that it was opened is recorded.
    """
    form = "text" if text else "html"

    async def directly(gateway: Any) -> str:
        from gateway.cli.reach import SERVICE
        from gateway.flows.letters import written
        from gateway.reports.letter import letter_page, letter_text
        from gateway.reports.letter_words import LANGUAGES

        found = await written(gateway, notice, service=SERVICE)
        languages = (language,) if language else LANGUAGES
        return letter_text(found, languages) if text else letter_page(found, languages)

    query = f"format={form}" + (f"&language={language}" if language else "")
    shown = reach(
        output.home,
        scope="case:write",
        method="GET",
        path=f"/v1/notices/{notice}/letter?{query}",
        directly=directly,
    )
    output.result({"notice": notice, "letter": shown}, shown.rstrip("\n"))


@case.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--trust", type=click.Path(path_type=Path, exists=True), help="A JWK Set file.")
@click.pass_obj
def verify(output: Output, file: Path, trust: Path | None) -> None:
    """Verify a certificate offline, by the home's keys or those named; never by a key in it."""
    from gateway.cases.certificate import CertificateInvalid, type_of, verify_certificate
    from gateway.cases.mass_certificate import MASS_CERTIFICATE_TYPE, verify_mass_certificate
    from gateway.cli.looking import trusted

    text = file.read_text("utf-8", "replace").strip()
    of_many = type_of(text) == MASS_CERTIFICATE_TYPE
    verified = verify_mass_certificate if of_many else verify_certificate
    try:
        claims = verified(text, trusted(output.home, trust))
    except CertificateInvalid as error:
        if output.as_json:
            output.result({"ok": False, "error": str(error)}, "")
        fail(f"the certificate does not verify: {error}", 1)
    said = certificate_line(claims) if of_many else _certified(claims)
    output.result({"ok": True, "claims": claims}, f"verified: {said}")


def _certified(claims: dict[str, Any]) -> str:
    settled = sum(one["settled"] for one in claims["notices"])
    return (
        f"case {claims['case']}, {claims['action']} for {claims['reason']}, "
        f"{claims['state']}; {settled} of {len(claims['notices'])} notices settled"
    )
