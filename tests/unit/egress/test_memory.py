"""What a partner sends too much of does not stay in memory after it was refused."""

import gc
import weakref

import pytest

from gateway.errors import PartnerFailed
from tests.unit.egress.wire import client_for, fine, request_to, serving

CHUNK = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
HUGE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK * 8
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx"


@pytest.mark.parametrize("answer", [HUGE, CUT], ids=["too-large", "too-slow"])
async def test_a_refused_answer_is_let_go_at_once(answer: bytes) -> None:
    """
    An error that its own frames name would keep what was read until the garbage
    collector comes by, which under load is hundreds of megabytes later.
    """
    async with serving(answer) as wire, client_for() as client:
        gc.collect()
        gc.disable()
        left: list[weakref.ref[PartnerFailed]] = []
        try:
            await client.send(request_to(wire.url(), limit=100_000, timeout=0.3), last_look=fine)
        except PartnerFailed as error:
            left.append(weakref.ref(error))
        finally:
            gc.enable()
        assert [one() for one in left] == [None]
