"""What every test of a promise needs: a clock, a home, a running gateway."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from gateway.policy import compile as compiling
from gateway.policy import documents
from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from gateway.web import openapi
from tests.promises.house import House, a_courier, empty_home

OpenHouse = Callable[..., Awaitable[House]]


@pytest.fixture(scope="session", autouse=True)
def unchanged_documents_are_parsed_once() -> Iterator[None]:
    """
    Reading YAML takes most of the time in which a house opens, and most of what
    it reads is the same in each. Both functions are pure.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "scan_document", lru_cache(documents.scan_document))
        patch.setattr(openapi, "document", lru_cache(openapi.document))
        yield


@pytest.fixture
def clock() -> Clock:
    """Stands still at a full second of today."""
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def manifests() -> Iterable[Mapping[str, Any]]:
    """Whose manifests the home holds; a module or a test may say otherwise."""
    return [a_courier()]


@pytest.fixture
async def open_house(tmp_path: Path, clock: Clock) -> AsyncIterator[OpenHouse]:
    """Open a gateway with manifests of the test's own. Arguments as `House.open`."""
    async with AsyncExitStack() as stack:

        async def open_one(*manifests: Mapping[str, Any], **options: Any) -> House:
            folder = empty_home(tmp_path / f"home-{len(list(tmp_path.iterdir()))}")
            house = await stack.enter_async_context(House(folder, clock))
            await house.open(manifests, **options)
            return house

        yield open_one


@pytest.fixture
async def gateway(open_house: OpenHouse, manifests: Iterable[Mapping[str, Any]]) -> House:
    """A running gateway with the courier, or with what `manifests` says."""
    return await open_house(*manifests)


@pytest.fixture
def courier(gateway: House) -> FakePartner:
    """The recipient that the default manifest is for."""
    return gateway.recipients["swift-parcel"]
