"""Keys that are destroyed one day: wrapped under the epoch in force, opened under their own."""

from gateway.ports import Keyring, Random
from gateway.seal.storage import protect, reveal
from gateway.seal.wrapping import HOME, epoch_of, mask_of

FIRST_USES = {"subject-key": "wrap", "escrow": "escrow", "case": "case"}
"""Which secret of the home the first version used, by what a label begins with."""


def wrapped(keys: Keyring, label: bytes, key: bytes, random: Random) -> bytes:
    """A 32-byte key, wrapped. `label`: what it is of and where it belongs, `escrow|ntc_…`."""
    epoch = keys.newest_epoch()
    if epoch is None:
        # A home that no owner has opened since there are epochs; nothing of it is stored.
        return protect(_first(keys, label), key, label, random=random)
    return epoch.wrap(key, mask_of(keys.secret("bind"), label), random=random)


def unwrapped(keys: Keyring, label: bytes, blob: bytes) -> bytes:
    """The key again. Raises `SealBroken`, `EpochKeyMissing` where its epoch's key is gone."""
    epoch = epoch_of(blob)
    if epoch == HOME:
        return reveal(_first(keys, label), blob, label)
    return keys.epoch(epoch).open(blob, mask_of(keys.secret("bind"), label))


def _first(keys: Keyring, label: bytes) -> bytes:
    return keys.secret(FIRST_USES[label.partition(b"|")[0].decode()])
