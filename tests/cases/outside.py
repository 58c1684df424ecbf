"""The separate program, with what an outsider was handed of a mass case."""

from pathlib import Path
from typing import Any

from gateway import verifier
from gateway.ledger.bundle import lines, pruned_leaf
from gateway.ledger.encode import leaf_hash
from tests.cases.house import CaseHouse


class Outside:
    """The separate program, with what an outsider was handed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trust = verifier.read_trust([str(folder / "jwks.json")])

    @classmethod
    async def of(cls, house: CaseHouse, folder: Path, ids: str) -> "Outside":
        """The files: keys, the list, and the ledger, whole and pruned."""
        await house.sequenced()
        head = await house.gateway.store.head()
        leaves = await house.gateway.store.leaves(0, head.size)
        shown = {"whole": leaves, "pruned": [pruned_leaf(leaf_hash(one)) for one in leaves]}
        for name, some in shown.items():
            written = lines(
                origin=house.gateway.config.origin,
                exported_at=house.clock(),
                leaves=some,
                checkpoint_note=head.cosigned_note,
            )
            (folder / name).write_bytes(b"".join(written))
        (folder / "jwks.json").write_bytes((await house.public("/.well-known/jwks.json")).body)
        (folder / "cases").write_text(ids)
        return cls(folder)

    def verdict(self, token: str, **files: str) -> dict[str, Any] | str:
        """What the program finds, or why it refuses."""
        (self.folder / "mass.jws").write_text(token)
        asked = verifier.Asked(**{name: self.folder / one for name, one in files.items()})  # type: ignore[arg-type]
        try:
            return verifier.check_file(self.folder / "mass.jws", self.trust, None, asked)
        except verifier.Refuted as error:
            return str(error)
