"""
No sequence of consents, withdrawals, editions and shares lets out what a second,
independent reading of the rules refuses.
"""

import ast
import io
import tokenize
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from gateway.decide import engine
from gateway.testing.clock import Clock
from tests.marks import promise
from tests.promises import reference_model, reference_world
from tests.promises.conftest import OpenHouse
from tests.promises.house import House
from tests.promises.reference_run import MANIFESTS, PURPOSES, START, Disagreement, Run
from tests.promises.reference_steps import Step, sequence


class Table:
    """A house that stays open over many sequences, and what they came to."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.last: Run | None = None
        self.sequences = self.shares = self.carried = 0
        self.codes: Counter[str] = Counter()

    async def play(self, steps: Iterable[Step]) -> None:
        """One sequence; where the two disagree, as short as it gets, with its trace."""
        try:
            await self.played(steps)
        except Disagreement:
            await self.played(await self._shortened(list(steps)), note)
            raise

    async def played(
        self, steps: Iterable[Step], say: Callable[[str], None] = lambda told: None
    ) -> Run:
        """One sequence, with people of its own. Raises `Disagreement`."""
        self.sequences += 1
        run = Run(self.house, self.sequences, say)
        await run.begin(self.last.world if self.last else None)
        self.last = run
        try:
            await run.all(steps)
        finally:
            self.shares += run.shares
            self.carried += run.carried
            self.codes += run.codes
        return run

    async def _shortened(self, steps: list[Step]) -> list[Step]:
        """The same disagreement, or another, in as few steps as leaving out finds."""
        for place in reversed(range(len(steps))):
            fewer = steps[:place] + steps[place + 1 :]
            try:
                await self.played(fewer)
            except Disagreement:
                steps = fewer
        return steps


@pytest.fixture
def clock() -> Clock:
    """Goes on and on: no sequence turns it back."""
    return Clock(START)


@pytest.fixture
async def table(open_house: OpenHouse) -> AsyncIterator[Table]:
    """A gateway with a recipient of each kind."""
    table = Table(await open_house(*(make() for make in MANIFESTS)))
    yield table
    # Shown with `-s`, to see what a longer run came to.
    print(f"{table.sequences} sequences, {table.shares} shares, {table.codes}")


@promise("S1", "S2", "S3", "C3", "C6", "M1", "M2", "R5", "K1", "A1", "N1", "D2")
@settings(
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
    # A sequence is thirty steps against a whole gateway.
    max_examples=settings().max_examples // 2,
)
@given(seed=st.integers(0, 2**48))
async def test_nothing_leaves_that_a_second_reading_refuses(table: Table, seed: int) -> None:
    """What arrives anywhere the rules permit, and what they permit arrives whole."""
    await table.play(sequence(seed, PURPOSES))


def a_share(partner: int = 0, **changes: Any) -> Step:
    """A share that asks for nothing unusual."""
    usual = {
        "people": [0],
        "nobody": False,
        "purpose": None,
        "version": None,
        "ground": None,
        "evidence": None,
        "gpc": False,
        "token": "all",
    }
    return "share", {"partner": partner, **usual, **changes}


def a_consent(purpose: str, **changes: Any) -> Step:
    """A consent that was asked for by itself, now."""
    usual = {
        "who": 0,
        "partner": None,
        "method": "separate",
        "by": "subject",
        "scope": None,
        "older": 0,
        "ago": timedelta(),
        "lasts": None,
    }
    return "consent", {"purpose": purpose, **usual, **changes}


def a_withdrawal(purpose: str) -> Step:
    """Of one purpose, and of what was shared for it."""
    scope = {"purposes": (purpose,), "partners": (), "categories": ()}
    return "fence", {"who": 0, "reason": "consent-withdrawn", **scope}


A_MINOR: Step = ("facts", {"who": 0, "minor": True, "opt_out": None, "alias": None})
COURIER, ADVERTISER, LOCATOR, ABROAD, CROWD = 0, 1, 2, 5, 9
# Of each check a sequence that it alone stands in the way of, and what the answer is.
SCENES: dict[str, tuple[tuple[Step, ...], str]] = {
    "subject": ((a_share(CROWD, nobody=True),), "subject-missing"),
    "erased": ((a_share(), ("erase", {"who": 0}), a_share()), "subject-erased"),
    "restricted": ((a_share(), a_withdrawal("order-fulfilment"), a_share()), "subject-restricted"),
    "partner": (
        (("stop", {"partner": COURIER, "resume": False}), a_share()),
        "partner-suspended",
    ),
    "agreement": (
        (("manifest", {"partner": COURIER, "change": "ended"}), a_share()),
        "agreement-expired",
    ),
    "purpose": ((a_share(version=1),), "purpose-not-permitted"),
    "ground": ((a_share(ground="research", evidence="claim"),), "ground-not-permitted"),
    "evidence": ((a_share(ground="dispute", evidence="claim"),), "evidence-not-valid"),
    "opt-out": (
        (a_consent("advertising"), a_share(ADVERTISER, gpc=True)),
        "opted-out",
    ),
    "guardian": ((A_MINOR, a_share()), "guardian-consent-missing"),
    "consent": (
        (a_consent("advertising", method="implied"), a_share(ADVERTISER)),
        "consent-missing",
    ),
    "separate": (
        (a_consent("location-services", method="explicit"), a_share(LOCATOR)),
        "separate-consent-missing",
    ),
    "border": ((a_share(ABROAD),), "cross-border-consent-missing"),
}
# Behind these stands another that lets nothing out: the ledger takes no intent of an erased
# person, and no share rests on the ground consent without one. Whoever reads the request has
# missed the person already.
GUARDED_TWICE = {"erased", "consent"}
GUARDED_BEFORE = {"subject"}


async def test_without_any_one_check_the_two_disagree(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The property notices every check that is missing, by what is let out for want of it."""
    assert list(SCENES) == [check.name for check in engine.CHECKS]
    for name, (steps, answer) in SCENES.items():
        run = await table.played(steps)
        assert run.codes[answer] == 1, name
        if name in GUARDED_BEFORE:
            continue
        others = tuple(check for check in engine.CHECKS if check.name != name)
        with monkeypatch.context() as patch, pytest.raises(Disagreement) as caught:
            patch.setattr(engine, "CHECKS", others)
            await table.played(steps)
        let_out = "let out what the model refuses" in str(caught.value)
        assert let_out is (name not in GUARDED_TWICE), (name, caught.value)


@pytest.mark.parametrize(
    ("steps", "answer"),
    [
        ((a_withdrawal("order-fulfilment"), a_share()), "subject-restricted"),
        (
            (
                a_withdrawal("order-fulfilment"),
                ("wait", {"time": timedelta(hours=1)}),
                ("version", {"purpose": "order-fulfilment", "follow": True}),
                a_consent("order-fulfilment", older=1),
                a_share(),
            ),
            "subject-restricted",
        ),
        (
            (
                a_withdrawal("order-fulfilment"),
                ("wait", {"time": timedelta(hours=1)}),
                a_consent("order-fulfilment"),
                a_share(),
            ),
            "carried",
        ),
        (
            (A_MINOR, a_consent("order-fulfilment", by="guardian", method="implied"), a_share()),
            "guardian-consent-missing",
        ),
        (
            (A_MINOR, a_consent("order-fulfilment", by="guardian", method="explicit"), a_share()),
            "carried",
        ),
    ],
    ids=[
        "a withdrawal holds whoever was unknown",
        "a consent to another version lifts no withdrawal",
        "a newer consent lifts it",
        "a guardian agrees in words",
        "and then it is carried",
    ],
)
async def test_what_the_two_once_disagreed_on(
    table: Table, steps: tuple[Step, ...], answer: str
) -> None:
    """Where the second reading found the gateway to be wrong, they agree now."""
    run = await table.played(steps)

    assert run.codes[answer] == 1


@pytest.mark.parametrize("module", [reference_model, reference_world])
def test_the_second_reading_is_its_own(module: Any) -> None:
    """It imports nothing of what it judges, and is short enough to be read in one go."""
    source = Path(module.__file__).read_text("utf-8")
    imported = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]

    assert not any((node.module or "").startswith("gateway") for node in imported)
    assert not any(isinstance(node, ast.Import) for node in ast.walk(ast.parse(source)))
    assert _lines_of_code(source) <= 100


def _lines_of_code(source: str) -> int:
    """Without blank lines, comments and docstrings."""
    layout = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (*layout, tokenize.ENDMARKER):
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)
