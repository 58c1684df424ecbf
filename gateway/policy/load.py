"""
Reads a home's `policies/` and `partners/` from disk: the one place of this
package that does.
"""

from datetime import date
from pathlib import Path

from gateway.errors import ConfigError, Problem
from gateway.policy.compile import PARTNERS, POLICIES, Loaded, compile_set


def load_home(
    policies_dir: Path,
    partners_dir: Path,
    *,
    home_territory: str,
    strict: bool = False,
    today: date | None = None,
) -> Loaded:
    """
    Load a home's set.

    Read are the files `*.yaml` directly in either folder, and the key files
    that the manifests name. Raises `ConfigError` with every problem.
    """
    partners = partners_dir.resolve()
    return compile_set(
        _read_folder(policies_dir, POLICIES),
        _read_folder(partners, PARTNERS),
        lambda path: Path(path).read_bytes(),
        partners,
        home_territory=home_territory,
        strict=strict,
        today=today,
    )


def _read_folder(folder: Path, name: str) -> dict[str, bytes]:
    if not folder.is_dir():
        raise ConfigError([Problem(name, 1, 1, "the folder is missing, write it")])
    # Hidden files are an editor's, or a mount's own.
    paths = sorted(path for path in folder.glob("*.yaml") if not path.name.startswith("."))
    problems = [
        Problem(f"{name}/{path.name}", 1, 1, f"not read under this name, write {path.stem}.yaml")
        for path in folder.glob("*.yml")
    ]
    found: dict[str, bytes] = {}
    for path in paths:
        try:
            found[path.name] = path.read_bytes()
        except OSError as error:
            reason = (error.strerror or "unknown reason").lower()
            message = f"the file cannot be read ({reason}), make it readable"
            problems.append(Problem(f"{name}/{path.name}", 1, 1, message))
    if problems:
        raise ConfigError(problems)
    return found
