"""
The rules of transforms: which arguments they take, which category they
desensitise, and whether what they leave still points to one person.

A sensitive field leaves desensitised, as a token, or sealed (C2, S4d). Whether
a transform desensitises depends on the category and on the argument: cutting a
phone number after seven digits does, cutting it after eleven does nothing. This
module only judges; applying a transform to a value is the work of `shape`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from gateway.model.ids import CategoryId
from gateway.model.recipients import TokenTerms, TransformCall
from gateway.policy.words import instead, named

Check = Callable[[Any], str | None]
"""What is wrong with an argument, and what to write; None if nothing is."""
Test = Callable[[Any], bool]

NAME = CategoryId("basic.name")
PHONE = CategoryId("basic.phone")
NICKNAME = CategoryId("network.nickname")
ACCOUNT = CategoryId("network.account")
PAYMENT = CategoryId("transaction.payment")
PRECISE = CategoryId("location.precise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Which arguments do, and one of them to write; None: the name alone."""

    test: Test
    argument: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformRule:
    """What may be said of one transform without looking at a value."""

    name: str
    doc: str
    default: Any = None
    """The argument that counts where a manifest gives none."""
    check: Check
    softens: Mapping[CategoryId, Limit] = field(default_factory=dict)
    """Categories it desensitises, each with the arguments that do."""
    removes: bool = False
    """Nothing of the value is left: every category is desensitised."""
    stable: bool = False
    """The same person always gives the same output: it singles out, whatever it hides (C6)."""
    generalises: Limit | None = None
    """With which arguments what is left is shared by many people, whatever the value was."""

    def argument(self, written: Any) -> Any:
        """The argument that counts: what the manifest wrote, else the default."""
        return self.default if written is None else written

    def wrong_argument(self, written: Any) -> str | None:
        """What is wrong with the argument as written, and what to write; None if it is fit."""
        return self.check(self.argument(written))

    def desensitises(self, category: CategoryId, written: Any = None) -> bool:
        """Whether a value of `category` may leave unsealed after it (S4d)."""
        if self.removes:
            return True
        limit = self.softens.get(category)
        return limit is not None and limit.test(self.argument(written))

    def identifies(self, category: CategoryId, written: Any = None) -> bool:
        """Whether what is left of `category` may still single a person out (C6)."""
        if self.stable:
            return True
        shared = self.generalises is not None and self.generalises.test(self.argument(written))
        return not (shared or self.desensitises(category, written))


def _no_argument(written: Any) -> str | None:
    return None if written is None else "takes no argument, write only its name"


TOKEN_ADVICE = (
    "has limits or none, write token alone, or {token: {ttl: 7d, uses: 3}} with one of them or both"
)


def _token_terms(written: Any) -> str | None:
    return None if written is None or isinstance(written, TokenTerms) else TOKEN_ADVICE


def _is_whole(written: Any) -> bool:
    return isinstance(written, int) and not isinstance(written, bool)


def _whole(least: int, most: int) -> Check:
    def check(written: Any) -> str | None:
        if _is_whole(written) and least <= written <= most:
            return None
        return f"takes a whole number from {least} to {most}, write for example {least}"

    return check


def _one_of(*words: str) -> Check:
    def check(written: Any) -> str | None:
        if isinstance(written, str) and written in words:
            return None
        return f"takes an argument, {instead(str(written), words)}"

    return check


def _scalar(written: Any) -> str | None:
    if isinstance(written, str | bool | int | float):
        return None
    return "takes the value to send, write {constant: text}"


def _at_least(least: int) -> Limit:
    return Limit(test=lambda written: _is_whole(written) and written >= least, argument=least)


def _at_most(most: int) -> Limit:
    return Limit(test=lambda written: _is_whole(written) and written <= most, argument=most)


_ALWAYS = Limit(test=lambda written: True)


_RULES = (
    TransformRule(
        name="mask-name",
        doc="Keeps the first character and writes a star for each further one.",
        check=_no_argument,
        softens={NAME: _ALWAYS, NICKNAME: _ALWAYS},
    ),
    TransformRule(
        name="mask-phone",
        doc="Keeps the first three and the last four digits of a phone number.",
        check=_no_argument,
        softens={PHONE: _ALWAYS},
    ),
    TransformRule(
        name="mask-email",
        doc="Keeps the first character and the domain of an email address.",
        check=_no_argument,
    ),
    TransformRule(
        name="mask-tail",
        doc="Writes stars for the last N characters.",
        default=4,
        check=_whole(1, 10_000),
        softens={PHONE: _at_least(4), NICKNAME: _at_least(2), PAYMENT: _at_least(6)},
    ),
    TransformRule(
        name="truncate",
        doc="Keeps the first N characters and drops the rest.",
        check=_whole(1, 10_000),
        softens={
            NAME: _at_most(1),
            PHONE: _at_most(7),
            NICKNAME: _at_most(1),
            PAYMENT: _at_most(6),
        },
    ),
    TransformRule(
        name="year",
        doc="Keeps the year of a date.",
        check=_no_argument,
        generalises=_ALWAYS,
    ),
    TransformRule(
        name="age-band",
        doc="Turns an age, or a date of birth, into a band of N years.",
        default=10,
        check=_whole(1, 150),
        generalises=_at_least(5),
    ),
    TransformRule(
        name="region",
        doc="Keeps the province, or the city, of an address.",
        default="province",
        check=_one_of("province", "city"),
        generalises=_ALWAYS,
    ),
    TransformRule(
        name="coarse-location",
        doc="Rounds coordinates to N decimals: 1 is about eleven kilometres, 2 about one.",
        default=1,
        check=_whole(0, 2),
        softens={PRECISE: _ALWAYS},
        generalises=_ALWAYS,
    ),
    TransformRule(
        name="ip-prefix",
        doc="Keeps the first N bits of an IPv4 address, the first 48 of an IPv6 address.",
        default=24,
        check=_whole(1, 32),
        generalises=_at_most(24),
    ),
    TransformRule(
        name="hash",
        doc="A keyed hash, different at each recipient.",
        check=_no_argument,
        removes=True,
        stable=True,
    ),
    TransformRule(
        name="pseudonym",
        doc="The person's pseudonym at this recipient.",
        check=_no_argument,
        removes=True,
        stable=True,
    ),
    TransformRule(
        name="token",
        doc="A token that the recipient redeems at the gateway when it needs the value (S4c).",
        check=_token_terms,
        removes=True,
        stable=True,
    ),
    TransformRule(
        name="constant",
        doc="A fixed value in place of the field's own.",
        check=_scalar,
        removes=True,
    ),
    TransformRule(
        name="drop",
        doc="Lets nothing out; says that the field is known and stays.",
        check=_no_argument,
        removes=True,
    ),
)

TRANSFORMS: Mapping[str, TransformRule] = MappingProxyType({rule.name: rule for rule in _RULES})
"""Every transform by its name."""


def wrong_call(call: TransformCall) -> str | None:
    """What is wrong with a transform as a manifest writes it; None if nothing is."""
    rule = TRANSFORMS.get(call.name)
    if rule is None:
        return f"transform {named(call.name)} does not exist, {instead(call.name, TRANSFORMS)}"
    wrong = rule.wrong_argument(call.argument)
    return None if wrong is None else f'transform "{call.name}" {wrong}'


def desensitising(category: CategoryId) -> tuple[str, ...]:
    """What a manifest can write to desensitise `category`, the fitting transforms first."""
    fitting = [
        _call(rule.name, rule.softens[category]) for rule in _RULES if category in rule.softens
    ]
    return (*fitting, *(rule.name for rule in _RULES if rule.removes))


def _call(name: str, limit: Limit) -> str:
    return name if limit.argument is None else f"{{{name}: {limit.argument}}}"
