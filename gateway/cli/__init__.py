"""
The command line (contract §3).

Exit codes: 0 done, 1 the answer is no, 2 wrong use or broken configuration.
Heavy imports are inside commands, so that `--help` answers at once.
"""

import sys
from importlib import import_module
from pathlib import Path

import click

from gateway import __version__
from gateway.cli.output import Output, fail
from gateway.errors import ConfigError, GatewayError, LedgerContradiction

COMMANDS = {
    "case": "cases:case",
    "check": "documents:check",
    "consent": "consents:consent",
    "demo": "demo:demo",
    "explain": "documents:explain",
    "init": "start:init",
    "keys": "keys:keys",
    "ledger": "ledger:ledger",
    "partner": "partners:partner",
    "policy": "policies:policy",
    "report": "reports:report",
    "serve": "serve:serve",
    "subject": "subjects:subject",
    "token": "start:token",
}
"""Where each command is: module of this package, and name in it."""


class Commands(click.Group):
    """Commands that are loaded when asked for, and end in a clear error, never in a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"gateway.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what goes wrong is said in a sentence."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            fail(str(error), 2)
        except LedgerContradiction as error:
            fail(str(error), 1)
        except GatewayError as error:
            fail(str(error) or error.code, 2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The home folder (default: this folder).",
)
@click.option("--json", "as_json", is_flag=True, help="Print results as JSON.")
@click.version_option(__version__, prog_name="gateway")
@click.pass_context
def cli(ctx: click.Context, home: Path, as_json: bool) -> None:
    """Let out the declared minimum, for one purpose, and record it before it leaves."""
    ctx.obj = Output(home=home, as_json=as_json)


def main() -> None:
    """The console script."""
    sys.exit(cli(prog_name="gateway"))
