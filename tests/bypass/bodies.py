"""
The bytes that a case describes.

A text stands for itself in UTF-8. A mapping is one of these, and they nest:

    {text: …}  {base64: …}  {hex: …}  {json: …}
    {text: …, as: utf-16-le}                  in another encoding
    {join: [a, b, …]}                         one after the other
    {repeat: a, times: 1000}
    {nest: a, in: ["[", "]"], deep: 65}       a, inside so many pairs
    {gzip: a}  {deflate: a}  {bare-deflate: a}
    {of: a, less: 4}                          a without its last bytes
"""

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any


def made(body: Any) -> bytes:
    """The bytes as they are sent. Raises `ValueError` for a form that is not known."""
    return _made(body, packing=True)


def plain(body: Any) -> bytes:
    """The same before anything was compressed: what the bytes are about."""
    return _made(body, packing=False)


def _made(body: Any, *, packing: bool) -> bytes:
    if isinstance(body, str):
        return body.encode()
    if not isinstance(body, Mapping):
        raise ValueError("a body is a text or a mapping")
    for name, make in _FORMS.items():
        if name in body:
            return make(body, packing)
    raise ValueError(f"no body is made of {', '.join(body)}")


def _text(body: Mapping[str, Any], packing: bool) -> bytes:
    return str(body["text"]).encode(body.get("as", "utf-8"))


def _join(body: Mapping[str, Any], packing: bool) -> bytes:
    return b"".join(_made(part, packing=packing) for part in body["join"])


def _repeat(body: Mapping[str, Any], packing: bool) -> bytes:
    return _made(body["repeat"], packing=packing) * int(body["times"])


def _nest(body: Mapping[str, Any], packing: bool) -> bytes:
    first, last = body["in"]
    deep = int(body["deep"])
    return first.encode() * deep + _made(body["nest"], packing=packing) + last.encode() * deep


def _packed(
    name: str, pack: Callable[[bytes], bytes]
) -> Callable[[Mapping[str, Any], bool], bytes]:
    def make(body: Mapping[str, Any], packing: bool) -> bytes:
        content = _made(body[name], packing=packing)
        return pack(content) if packing else content

    return make


def _less(body: Mapping[str, Any], packing: bool) -> bytes:
    whole = _made(body["of"], packing=packing)
    return whole[: -int(body["less"])] if packing else whole


def _bare(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


_FORMS: Mapping[str, Callable[[Mapping[str, Any], bool], bytes]] = {
    "text": _text,
    "base64": lambda body, packing: base64.b64decode(body["base64"], validate=True),
    "hex": lambda body, packing: bytes.fromhex(body["hex"]),
    "json": lambda body, packing: json.dumps(body["json"], ensure_ascii=False).encode(),
    "join": _join,
    "repeat": _repeat,
    "nest": _nest,
    "gzip": _packed("gzip", lambda content: gzip.compress(content, mtime=0)),
    "deflate": _packed("deflate", zlib.compress),
    "bare-deflate": _packed("bare-deflate", _bare),
    "of": _less,
}
