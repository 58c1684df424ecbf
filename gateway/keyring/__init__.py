"""The gateway's own keys."""

from gateway.keyring.file import FileKeyring

__all__ = ["FileKeyring"]
