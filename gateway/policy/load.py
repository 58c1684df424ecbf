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
    documents, unread = read_folder(policies_dir, POLICIES)
    manifests, unread_manifests = read_folder(partners, PARTNERS)
    unread += unread_manifests
    loaded: Loaded | None = None
    problems: list[Problem] = []
    try:
        loaded = compile_set(
            documents,
            manifests,
            lambda path: Path(path).read_bytes(),
            partners,
            home_territory=home_territory,
            strict=strict,
            today=today,
        )
    except ConfigError as error:
        # Of a file that could not be read it is not told too that it is missing.
        known = {problem.file for problem in unread}
        problems = [one for one in error.problems if not known & {one.file, _folder_of(one)}]
    if loaded is None or unread:
        raise ConfigError([*unread, *problems])
    return loaded


def read_folder(folder: Path, name: str) -> tuple[dict[str, bytes], list[Problem]]:
    """
    The files `*.yaml` directly in `folder`, by file name, and everything there that
    cannot be read. `name` is what messages call the folder.
    """
    if not folder.is_dir():
        return {}, [Problem(name, 1, 1, "the folder is missing, write it")]
    found: dict[str, bytes] = {}
    problems: list[Problem] = []
    # Hidden files are an editor's, or a mount's own.
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        if path.suffix.lower() not in (".yaml", ".yml"):
            continue
        read = _read(path)
        if isinstance(read, bytes):
            found[path.name] = read
        else:
            problems.append(Problem(f"{name}/{path.name}", 1, 1, read))
    return found, problems


def _read(path: Path) -> bytes | str:
    """The bytes of a document, or why there are none."""
    if path.suffix != ".yaml":
        return f"not read under this name, write {path.stem}.yaml"
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        return f"the file cannot be read ({reason}), write a readable file in its place"


def _folder_of(problem: Problem) -> str:
    return problem.file.partition("/")[0]
