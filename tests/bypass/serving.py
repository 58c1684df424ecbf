"""
`gateway` with names that lead where a case says: one answer at each look-up.

    python -m tests.bypass.serving '{"api.example": [["127.0.0.2"], ["127.0.0.1"]]}' serve …

All else is the product as it is. Other names lead nowhere, as without a network.
"""

import ipaddress
import json
import socket
import sys
from typing import Any

from gateway.cli import main

_REAL = socket.getaddrinfo


def _answers(table: dict[str, list[list[str]]]) -> Any:
    """A look-up that gives each name's answers in turn, and the last one from then on."""

    def look_up(host: Any, port: Any, *arguments: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        turns = table.get(name.rstrip(".").lower())
        if turns is None:
            return _REAL(_local(name), port, *arguments, **more)
        addresses = turns.pop(0) if len(turns) > 1 else turns[0]
        return [
            found for address in addresses for found in _REAL(address, port, *arguments, **more)
        ]

    return look_up


def _local(name: str) -> str:
    if name.rstrip(".") == "localhost" or _numeric(name):
        return name
    raise socket.gaierror(socket.EAI_NONAME, "there is no name service")


def _numeric(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        # 127.1, 0x7f000001, 0177.0.0.1: the C library reads these as addresses.
        return all(part[:1].isdigit() for part in name.rstrip(".").split("."))
    return True


if __name__ == "__main__":
    socket.getaddrinfo = _answers(json.loads(sys.argv[1]))
    sys.argv[1:] = sys.argv[2:]
    main()
