"""A home without a process for `gateway init`, for tests that are about something else."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.cli.start import make_home
from gateway.testing import builders
from gateway.testing.partner import FakePartner


async def a_home(
    folder: Path, partners: Iterable[FakePartner] = (), *, default_partners: bool = False
) -> Path:
    """As `gateway.testing.builders.a_home`, made by the same function in this process."""
    with TemporaryDirectory() as beside:
        template = Path(beside) / "home"
        make_home(template)
        return await builders.a_home(
            folder, partners, default_partners=default_partners, template=template
        )
