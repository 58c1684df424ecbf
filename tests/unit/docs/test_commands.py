"""The page of commands against the command line, and every call in the documents."""

import argparse
import re
from collections.abc import Iterator

import click

from gateway import verifier
from gateway.cli import cli
from tests.unit.docs.pages import REFERENCE, calls, only, sections, tables


def commands(group: click.Group, words: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        elif command is not None:
            yield " ".join((*words, name)), command


def usage(words: str, command: click.Command) -> str:
    """A command with its arguments, as a heading of the page has it."""
    context = click.Context(command)
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    return " ".join([words, *(one.make_metavar(context) for one in arguments)])


def flags(command: click.Command) -> dict[str, bool]:
    """A command's options, and whether each is required."""
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    return {flag: one.required for one in options for flag in one.opts if flag.startswith("--")}


def told_flags(text: str) -> dict[str, bool]:
    """The options in a page's table, and whether each is told to be required."""
    rows = [row for row in tables(text, "option") if "--help" not in row["option"]]
    return {only(row["option"]).split()[0]: row["meaning"].startswith("Required") for row in rows}


def test_every_command_and_option_is_in_its_page_and_no_other() -> None:
    """Each command has a section with its arguments, options and exit codes."""
    told = sections(REFERENCE / "cli.md")
    has = {usage(words, one): one for words, one in commands(cli, ("gateway",))}

    assert {only(heading) for heading in told if heading} == {*has, "gateway-verify FILE"}
    assert told_flags(told[""]) == flags(cli)
    for heading, command in has.items():
        text = told[f"`{heading}`"]
        assert told_flags(text) == flags(command), heading
        assert re.search(r"Exit (codes|0)", text), heading


def test_every_option_of_the_verifier_is_in_the_page() -> None:
    """So with the verifier, which has a command line of its own."""
    text = sections(REFERENCE / "cli.md")["`gateway-verify FILE`"]
    has = {
        one.option_strings[-1]: one.required
        for one in verifier.parser()._actions
        if one.option_strings and not isinstance(one, argparse._HelpAction)
    }

    assert told_flags(text) == has
    assert "Exit 0" in text


def test_defaults_of_options_are_told() -> None:
    """Where an option has a default, its row says which."""
    told = sections(REFERENCE / "cli.md")
    shown = 0
    for words, command in commands(cli, ("gateway",)):
        rows = {
            only(row["option"]).split()[0]: row["meaning"]
            for row in tables(told[f"`{usage(words, command)}`"], "option")
        }
        for one in command.params:
            if isinstance(one, click.Option) and one.show_default and not one.hidden:
                meaning = rows[one.opts[0]].replace("`", "")
                assert f"efault {one.default}" in meaning, one.opts
                shown += 1

    assert shown


def test_every_call_in_the_documents_is_one_that_parses() -> None:
    """No document calls a command or an option that is not there, or leaves out a required one."""
    shown = calls()

    assert len(shown) > 20
    for where, (program, *words) in shown:
        if program == "gateway-verify":
            assert verifier.parser().parse_args(words).trust, where
        elif "COMMAND" not in words:
            assert parses(cli, words), where


def parses(command: click.Command, words: list[str]) -> bool:
    """Whether these words are a whole call; files and values are not looked at."""
    options, rest, _ = command.make_parser(click.Context(command)).parse_args(list(words))
    if isinstance(command, click.Group):
        inner = command.get_command(click.Context(command), rest[0]) if rest else None
        return inner is not None and parses(inner, words[words.index(rest[0]) + 1 :])
    needed = {one.name for one in command.params if one.required}
    given = {name for name, value in options.items() if value not in (None, ())}
    return not rest and needed <= given
