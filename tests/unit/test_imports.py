"""
The direction of imports, and what the core keeps out.

The rings are those of `docs/CONTRIBUTING.md`. A module's package is the name
after `gateway.`; what is not in the table fails, so a new package takes a place
before it takes a line of code.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = ROOT / "gateway"

RINGS = (
    {"web", "cli", "__main__"},
    {"wiring", "config"},
    {"flows", "workers"},
    {"stores", "egress", "keyring"},
    {"ports"},
    {"policy", "access", "decide", "shape", "seal", "ledger", "cases", "notices", "reports"},
    {"model", "errors"},
)
ENTRY, WIRING, SHELL, ADAPTERS, PORTS, CORE, NOUNS = RINGS
DEPTH = {package: depth for depth, ring in enumerate(RINGS) for package in ring}

# The three beside the rings, and the packages that may import each of them.
BESIDE = {
    # Logs, metrics and traces: from the shell outwards.
    "observe": ENTRY | WIRING | SHELL | {"testing"},
    # Fakes and builders: the demo uses them, nothing that serves does.
    "testing": {"cli"},
    # What a partner runs: the demo's partners too, never the gateway's own side.
    "recipient": {"cli", "testing"},
    # One file to hand to an auditor; the command line may call it.
    "verifier": {"cli", "testing"},
}
# What the modules beside the rings may import of the gateway, themselves aside.
MAY_IMPORT = {
    "observe": PORTS | NOUNS,
    "testing": WIRING | SHELL | ADAPTERS | PORTS | CORE | NOUNS | {"observe", "recipient"},
    "recipient": set(),
    "verifier": set(),
}
# What stands alone: all it may import besides the standard library and itself.
ALONE = {"recipient": {"cryptography", "jwt"}, "verifier": {"cryptography"}}

# Clock, environment, disk, network, randomness, logging, waiting, other processes.
NOT_IN_CORE = {
    *("os", "time", "random", "secrets", "uuid", "logging", "structlog", "asyncio", "aiohttp"),
    *("socket", "ssl", "sqlite3", "aiosqlite", "threading", "multiprocessing", "concurrent"),
    *("subprocess", "shutil", "tempfile", "signal", "glob", "urllib.request", "http.client"),
    *("pathlib", "importlib", "prometheus_client"),
}
# The documents are read by the policy package, which is given their folder.
ALLOWED_IN_CORE = {"policy": {"pathlib"}}
# The clock and fresh keys, by the names under which they would come in.
NOT_CALLED_IN_CORE = {
    *("now", "utcnow", "today"),
    *("generate", "generate_key", "generate_private_key", "urandom"),
}


def package_of(module: str) -> str:
    """The package that a module belongs to; empty for `gateway` itself."""
    return module.removeprefix("gateway").lstrip(".").partition(".")[0]


def imports_of(
    module: str, tree: ast.AST, *, is_package: bool = False
) -> Iterator[tuple[int, str]]:
    """Every import of a module, wherever it stands, as line and absolute dotted name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                above = parts[: len(parts) - node.level + is_package]
                base = ".".join([*above, base]).rstrip(".")
            # `from gateway import web` imports a package by another spelling.
            named = (f"{base}.{alias.name}" for alias in node.names)
            yield from ((node.lineno, name) for name in ([base] if base != "gateway" else named))


def may_import(importer: str, imported: str) -> bool:
    """Whether one package of the gateway may import another."""
    if imported == importer:
        return True
    if importer in MAY_IMPORT:
        return imported in MAY_IMPORT[importer]
    if imported in BESIDE:
        return importer in BESIDE[imported]
    if importer in CORE:
        return imported in NOUNS | {"policy"}
    if importer in ADAPTERS and imported in ADAPTERS:
        return False
    if (importer, imported) in {("web", "cli"), ("config", "wiring")}:
        return False
    return DEPTH[importer] <= DEPTH[imported]


def violations(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """Everything that a module's source does against the rings, as `module:line: what`."""
    package = package_of(module)
    tree = ast.parse(source)
    if package and package not in DEPTH and package not in BESIDE:
        return [f"{module}: {package} has no ring"]
    found = [
        (line, what)
        for line, name in imports_of(module, tree, is_package=is_package)
        if (what := wrong_import(package, name))
    ]
    if package in CORE:
        found += impure(tree)
    return [f"{module}:{line}: {what}" for line, what in sorted(found)]


def wrong_import(package: str, name: str) -> str | None:
    """What is wrong with one import, if anything."""
    top = name.partition(".")[0]
    if top == "gateway":
        imported = package_of(name)
        if package == "":
            return f"the package itself imports {name}"
        if imported in {"", "__version__"}:
            # The package's own place and number. What stands alone does without them.
            return f"{package} imports {name}" if package in ALONE else None
        if imported not in DEPTH and imported not in BESIDE:
            return f"{name} has no ring"
        return None if may_import(package, imported) else f"{package} imports {imported}"
    if package in ALONE and top not in sys.stdlib_module_names | ALONE[package]:
        return f"{package} imports {top}"
    if package in CORE:
        banned = NOT_IN_CORE - ALLOWED_IN_CORE.get(package, set())
        if any(name == each or name.startswith(f"{each}.") for each in banned):
            return f"core imports {name}"
    return None


def impure(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where the code waits, looks at the clock, makes keys or opens files."""
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    for node in ast.walk(tree):
        if isinstance(node, waits):
            yield node.lineno, "core waits"
        elif isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Attribute) and called.attr in NOT_CALLED_IN_CORE:
                yield node.lineno, f"core calls {called.attr}()"
            elif isinstance(called, ast.Name) and called.id in {"open", "input", "print"}:
                yield node.lineno, f"core calls {called.id}()"


def module_name(path: Path) -> str:
    """The dotted name of a file below `gateway/`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_imports_point_down_the_rings() -> None:
    """No module of the gateway imports upwards, sideways, or what its ring keeps out."""
    files = sorted(GATEWAY.rglob("*.py"))
    found = [
        row
        for path in files
        for row in violations(
            module_name(path),
            path.read_text(encoding="utf-8"),
            is_package=path.name == "__init__.py",
        )
    ]

    assert files, "there is a gateway to look at"
    assert not found, "\n".join(found)


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not within one package either, and not inside a function."""
    files = {module_name(path): path for path in GATEWAY.rglob("*.py")}
    circle_free = TopologicalSorter({name: set(_named(name, files)) for name in files})

    # Raises `CycleError`, which names the circle.
    assert len(list(circle_free.static_order())) == len(files)


def _named(module: str, files: dict[str, Path]) -> Iterator[str]:
    """The modules of the gateway that a module's imports name."""
    for node in ast.walk(ast.parse(files[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name in files)
        elif isinstance(node, ast.ImportFrom) and node.module in files:
            inner = {f"{node.module}.{one.name}" for one in node.names} & files.keys()
            yield from inner or {node.module}


@pytest.mark.parametrize(
    ("module", "source", "told"),
    [
        ("gateway.decide.engine", "from gateway.flows import share", "decide imports flows"),
        ("gateway.decide.engine", "from gateway.shape import paths", "decide imports shape"),
        ("gateway.decide.engine", "from gateway import web", "decide imports web"),
        ("gateway.decide.engine", "from ..stores import memory", "decide imports stores"),
        ("gateway.decide.engine", "import os.path", "core imports os.path"),
        ("gateway.decide.engine", "from pathlib import Path", "core imports pathlib"),
        ("gateway.decide.engine", "def f():\n    import time", "core imports time"),
        ("gateway.decide.engine", "async def f(): pass", "core waits"),
        ("gateway.decide.engine", "at = datetime.now(UTC)", "core calls now()"),
        ("gateway.seal.keys", "key = X25519PrivateKey.generate()", "core calls generate()"),
        ("gateway.policy.documents", "open('policies')", "core calls open()"),
        ("gateway.policy.documents", "import gateway.decide", "policy imports decide"),
        ("gateway.observe.logs", "import gateway.web", "observe imports web"),
        ("gateway.ledger.encode", "import gateway.observe", "ledger imports observe"),
        ("gateway.stores.memory", "import gateway.egress.client", "stores imports egress"),
        ("gateway.stores.memory", "import gateway.observe", "stores imports observe"),
        ("gateway.ports", "import gateway.stores", "ports imports stores"),
        ("gateway.model.ids", "import gateway.policy", "model imports policy"),
        ("gateway.flows.share", "import gateway.wiring", "flows imports wiring"),
        ("gateway.flows.share", "import gateway.testing", "flows imports testing"),
        ("gateway.config", "import gateway.wiring", "config imports wiring"),
        ("gateway.web.share", "import gateway.cli", "web imports cli"),
        ("gateway.web.share", "import gateway.recipient", "web imports recipient"),
        ("gateway.testing.clock", "import gateway.cli.demo", "testing imports cli"),
        ("gateway.recipient.grants", "import gateway.errors", "recipient imports errors"),
        ("gateway.recipient.grants", "import aiohttp", "recipient imports aiohttp"),
        ("gateway.verifier", "import jwt", "verifier imports jwt"),
        ("gateway.verifier", "from gateway import __version__", "verifier imports gateway"),
        ("gateway", "import gateway.model", "the package itself imports gateway.model"),
        ("gateway.helpers", "pass", "helpers has no ring"),
        ("gateway.decide.engine", "import gateway.helpers", "gateway.helpers has no ring"),
    ],
)
def test_a_forbidden_import_is_reported(module: str, source: str, told: str) -> None:
    """Code that breaks a rule of the rings is named with its module, line and rule."""
    found = violations(module, source)

    assert len(found) == 1
    assert told in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gateway.decide.engine", "from gateway.policy.editions import widen"),
        ("gateway.decide.engine", "from gateway.model.ids import PartnerId"),
        ("gateway.decide.engine", "from datetime import datetime"),
        ("gateway.decide.engine", "from urllib.parse import quote"),
        ("gateway.policy.documents", "from pathlib import Path"),
        ("gateway.stores.memory", "import asyncio, gateway.ledger.encode"),
        ("gateway.workers.courier", "from gateway.flows.share import share"),
        ("gateway.web.app", "from gateway import __version__"),
        ("gateway.testing.processes", "import gateway"),
        ("gateway.cli.demo", "import gateway.testing.partner, gateway.web.app"),
        ("gateway.testing.partner", "import gateway.recipient, gateway.wiring"),
        ("gateway.recipient", "import jwt, json\nfrom cryptography.x509 import Name"),
    ],
)
def test_an_allowed_import_is_not_reported(module: str, source: str) -> None:
    """What the rings allow passes without a word."""
    assert violations(module, source) == []


def test_relative_imports_are_read_as_what_they_mean() -> None:
    """A dot in a package means the package, in a module its parent."""
    assert violations("gateway.shape", "from .paths import Selector", is_package=True) == []
    assert violations("gateway.shape.minimise", "from .paths import Selector") == []
    assert violations("gateway.shape", "from ..seal import keys", is_package=True) != []


def test_the_rings_are_documented_as_they_are_tested() -> None:
    """The table in docs/CONTRIBUTING.md has the same packages in the same rings as this test."""
    text = (ROOT / "docs" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [row.split("|")[2] for row in text.splitlines() if re.match(r"\| [a-z]+ \| `", row)]
    documented = [set(re.findall(r"`(\w+)`", row)) for row in rows]

    assert documented == [ring - {"__main__"} for ring in RINGS]


def test_partners_and_policies_hold_no_program() -> None:
    """A new partner or purpose changes data: no Python lies beside it."""
    programs = [path for name in ("partners", "policies") for path in (ROOT / name).rglob("*.py*")]

    assert (ROOT / "partners").is_dir() and (ROOT / "policies").is_dir()
    assert programs == []


@pytest.mark.parametrize("module", sorted(ALONE))
def test_what_stands_alone_loads_alone(module: str) -> None:
    """Importing the recipient kit or the verifier loads nothing else of the gateway."""
    script = (
        "import sys; import gateway; before = set(sys.modules);"
        f"import gateway.{module};"
        "print(*{m for m in set(sys.modules) - before if m.startswith('gateway')})"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    loaded = {package_of(name) for name in ran.stdout.split()}

    assert ran.returncode == 0, ran.stderr
    assert loaded == {module}
