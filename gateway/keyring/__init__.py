"""The gateway's own keys."""

from gateway.keyring.file import FileKeyring
from gateway.keyring.head import HeadFile

__all__ = ["FileKeyring", "HeadFile"]
