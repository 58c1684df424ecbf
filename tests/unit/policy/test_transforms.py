"""The rules of transforms: what desensitises what."""

import pytest

from gateway.model.ids import CategoryId
from gateway.model.recipients import TransformCall
from gateway.policy.transforms import TRANSFORMS, desensitising, wrong_call

SENSITIVE = ("basic.phone", "network.nickname", "location.precise", "transaction.payment")


def test_every_transform_of_the_contract_is_there():
    """The names that manifests may use are those of the contract, no more and no fewer."""
    assert set(TRANSFORMS) == {
        *("mask-name", "mask-phone", "mask-email", "mask-tail", "truncate", "year", "age-band"),
        *("region", "coarse-location", "ip-prefix", "hash", "pseudonym", "token", "constant"),
        "drop",
    }
    assert all(rule.doc.endswith(".") for rule in TRANSFORMS.values())


@pytest.mark.parametrize(
    ("name", "argument", "category"),
    [
        ("mask-name", None, "network.nickname"),
        ("mask-phone", None, "basic.phone"),
        ("mask-tail", None, "basic.phone"),
        ("mask-tail", 4, "basic.phone"),
        ("mask-tail", 2, "network.nickname"),
        ("mask-tail", 6, "transaction.payment"),
        ("truncate", 7, "basic.phone"),
        ("truncate", 1, "network.nickname"),
        ("truncate", 6, "transaction.payment"),
        ("coarse-location", None, "location.precise"),
        ("coarse-location", 2, "location.precise"),
    ],
)
def test_a_fitting_transform_desensitises(name, argument, category):
    """A transform made for a category takes what is sensitive out of it (S4d)."""
    assert TRANSFORMS[name].desensitises(CategoryId(category), argument)


@pytest.mark.parametrize(
    ("name", "argument", "category"),
    [
        ("truncate", 8, "basic.phone"),
        ("truncate", 11, "basic.phone"),
        ("truncate", 2, "network.nickname"),
        ("truncate", 7, "transaction.payment"),
        ("truncate", True, "basic.phone"),
        ("mask-tail", 3, "basic.phone"),
        ("mask-tail", 1, "network.nickname"),
        ("mask-tail", None, "transaction.payment"),
        ("mask-name", None, "basic.phone"),
        ("mask-email", None, "basic.phone"),
        ("mask-phone", None, "transaction.payment"),
        ("year", None, "basic.phone"),
        ("region", "city", "location.precise"),
        ("ip-prefix", None, "location.precise"),
    ],
)
def test_a_transform_that_leaves_too_much_does_not(name, argument, category):
    """Cutting a phone number after eleven digits desensitises nothing (S4d)."""
    assert not TRANSFORMS[name].desensitises(CategoryId(category), argument)


@pytest.mark.parametrize("name", ["hash", "pseudonym", "token", "constant", "drop"])
@pytest.mark.parametrize("category", SENSITIVE)
def test_what_leaves_nothing_desensitises_everything(name, category):
    """A value that is not there any more is not sensitive."""
    assert TRANSFORMS[name].desensitises(CategoryId(category), "x" if name == "constant" else None)


@pytest.mark.parametrize("name", ["hash", "pseudonym", "token"])
def test_a_lasting_id_always_identifies(name):
    """Whoever is called the same each time is singled out, whatever is hidden (C6)."""
    assert TRANSFORMS[name].identifies(CategoryId("basic.name"))


@pytest.mark.parametrize(
    ("name", "argument", "category", "identifies"),
    [
        ("region", "province", "basic.address", False),
        ("year", None, "basic.address", False),
        ("age-band", 10, "basic.name", False),
        ("age-band", 1, "basic.name", True),
        ("ip-prefix", 24, "network.ip", False),
        ("ip-prefix", 32, "network.ip", True),
        ("coarse-location", 1, "location.precise", False),
        ("mask-name", None, "basic.name", False),
        ("mask-name", None, "network.account", True),
        ("truncate", 200, "basic.address", True),
        ("mask-tail", 1, "device.id", True),
        ("constant", "x", "basic.name", False),
        ("drop", None, "basic.name", False),
    ],
)
def test_generalising_singles_nobody_out(name, argument, category, identifies):
    """De-identified is what many people share, not what is merely shorter (C6)."""
    assert TRANSFORMS[name].identifies(CategoryId(category), argument) is identifies


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("mask-name", None),
        ("mask-tail", None),
        ("truncate", 7),
        ("age-band", 5),
        ("region", "city"),
        ("coarse-location", 0),
        ("ip-prefix", 16),
        ("constant", ""),
        ("constant", False),
        ("constant", 0),
    ],
)
def test_fit_arguments_pass(name, argument):
    """An argument within its bounds, or left out where there is a default, is fit."""
    assert wrong_call(TransformCall(name=name, argument=argument)) is None


@pytest.mark.parametrize(
    ("name", "argument", "told"),
    [
        ("mask-names", None, 'write "mask-name"'),
        ("mask-name", 1, "takes no argument"),
        ("truncate", None, "takes a whole number"),
        ("truncate", 0, "takes a whole number"),
        ("truncate", True, "takes a whole number"),
        ("truncate", "7", "takes a whole number"),
        ("region", "street", "write province or city"),
        ("coarse-location", 3, "from 0 to 2"),
        ("ip-prefix", 33, "from 1 to 32"),
        ("constant", None, "write {constant: text}"),
        ("constant", [1], "write {constant: text}"),
    ],
)
def test_unfit_arguments_are_told(name, argument, told):
    """A transform that cannot work as written says what to write."""
    message = wrong_call(TransformCall(name=name, argument=argument))
    assert message is not None
    assert told in message


@pytest.mark.parametrize("category", SENSITIVE)
def test_what_is_advised_desensitises(category):
    """Everything that a message advises to write does what it is advised for."""
    for written in desensitising(CategoryId(category)):
        name, _, argument = written.strip("{}").partition(": ")
        assert TRANSFORMS[name].desensitises(CategoryId(category), int(argument or 0) or None)
