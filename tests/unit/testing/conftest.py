"""What the tests of fake recipients begin with."""

from collections.abc import AsyncIterator

import pytest

from gateway.testing.partner import FakePartner
from tests.unit.testing.sender import ISSUER, Sender


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """Somebody who sends shares and notices as the gateway does."""
    sender = Sender()
    yield sender
    await sender.session.close()


@pytest.fixture
async def partner(sender: Sender) -> AsyncIterator[FakePartner]:
    """A courier that trusts the sender."""
    async with FakePartner() as partner:
        partner.trust(issuer=ISSUER, jwks=sender.jwks)
        yield partner
