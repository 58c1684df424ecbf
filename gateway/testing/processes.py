"""How the product is started as a process of its own: the same code, a known environment."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import gateway

LOOPBACK = "127.0.0.0/8"


def gateway_command(*arguments: str) -> list[str]:
    """`gateway ARGUMENTS`, by this interpreter."""
    return [sys.executable, "-m", "gateway", *arguments]


def gateway_environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    This process's environment without any setting of a gateway, and with `settings`.

    The package of this process comes first on the path, so that what is tested
    is what is imported here.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    root = str(Path(gateway.__file__).parent.parent)
    path = [root, *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(path)} | dict(settings or {})
