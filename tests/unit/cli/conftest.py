"""A home for commands to work on."""

from pathlib import Path

import pytest

from gateway.cli.start import make_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home as `gateway init` makes it."""
    make_home(tmp_path / "home")
    return tmp_path / "home"
