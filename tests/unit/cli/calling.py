"""Commands called in this process: what they print and how they end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from gateway.cli import cli
from gateway.testing.builders import a_manifest, write_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as JSON values."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Everything."""
        return self.out + self.err


def call(
    *arguments: str | Path,
    home: Path | None = None,
    as_json: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Done:
    """`gateway [--home HOME] [--json] ARGUMENTS`. An error that nobody caught is raised."""
    options = [*(("--home", str(home)) if home else ()), *(("--json",) if as_json else ())]
    result = CliRunner(env=dict(settings or {})).invoke(cli, [*options, *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(code=result.exit_code, out=result.stdout, err=result.stderr)


def a_courier_in(home: Path, **changes: Any) -> Path:
    """The courier's manifest in a home, with changes merged in; its path."""
    manifest = a_manifest("swift-parcel", base_url="https://api.swift-parcel.example", **changes)
    return write_yaml(home / "partners/swift-parcel.yaml", manifest)
