"""
A public corpus: numbers that two packages of the package index ship.

`phonenumbers` (the metadata of libphonenumber) has an example of a mobile and
of a fixed line for every region of the world, and knows how they are written
there. `python-stdnum` documents more than two hundred kinds of number with
valid examples: those that name a person or an account are labelled, those of
books, goods, companies and devices are decoys.
"""

import doctest
import importlib
from collections.abc import Iterator
from types import ModuleType

from tests.corpora.make_free_text import Note, Span

PERSONAL = {
    "stdnum.cn.ric": "resident-id",
    "stdnum.es.dni": "resident-id",
    "stdnum.es.nie": "resident-id",
    "stdnum.it.codicefiscale": "resident-id",
    "stdnum.fr.nir": "resident-id",
    "stdnum.de.idnr": "tax-id",
    "stdnum.iban": "iban",
}
"""The modules whose numbers are looked for."""

IMPERSONAL = (
    *("isbn", "issn", "ean", "ismn", "isan", "imei", "meid", "isin", "lei", "bic", "cusip", "imo"),
    *("isrc", "iso6346", "grid", "figi", "cfi", "isil", "casrn", "gs1_128", "mac"),
    *("de.vat", "de.stnr", "de.handelsregisternummer", "de.wkn", "cn.uscc", "gb.vat", "gb.sedol"),
    *("fr.siren", "fr.siret", "fr.tva", "it.iva", "es.cif", "es.cups", "us.ein", "us.rtn"),
    *("at.uid", "ch.uid", "ch.vat", "nl.btw", "be.vat", "eu.vat", "eu.eic", "eu.oss", "pl.regon"),
)
"""The modules whose numbers are of things and companies; a country's in a package of its own."""


def notes() -> Iterator[Note]:
    """The corpus. Raises `ImportError` if one of the packages is not there."""
    yield from phone_notes()
    yield from number_notes()


def phone_notes() -> Iterator[Note]:
    """
    Every region's mobile and fixed line: as written abroad, as one number, as
    written at home, and the last again behind a word that names it.
    """
    import phonenumbers

    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    forms = {
        "abroad": phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        "one-number": phonenumbers.PhoneNumberFormat.E164,
        "at-home": phonenumbers.PhoneNumberFormat.NATIONAL,
    }
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in kinds:
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None:
                continue
            for name, form in forms.items():
                yield _note(name, phonenumbers.format_number(number, form), "phone")
            at_home = phonenumbers.format_number(number, forms["at-home"])
            yield _note("at-home-named", at_home, "phone", before="my phone: ")
            if region in _OF_THE_NOTES:
                yield _note("at-home-" + region, at_home, "phone")


_OF_THE_NOTES = ("CN", "US", "GB", "DE", "AT", "CH")
"""The regions whose languages the notes are in."""


def number_notes() -> Iterator[Note]:
    """The valid examples in the documentation of each module."""
    for name, kind in PERSONAL.items():
        for number in examples(importlib.import_module(name)):
            yield _note(name, number, kind)
    for short in IMPERSONAL:
        name = f"stdnum.{short}"
        for number in examples(importlib.import_module(name)):
            yield Note(language=name, text=f"see {number} please", decoy=name)


def examples(module: ModuleType) -> list[str]:
    """The numbers that a module's documentation gives to `validate` and that are valid."""
    found = []
    for example in doctest.DocTestParser().get_examples(module.__doc__ or ""):
        inside = example.source.strip().removeprefix("validate(").removesuffix(")")
        quoted = inside != example.source.strip() and inside[:1] + inside[-1:] == "''"
        if quoted and example.exc_msg is None and inside.count("'") == 2:
            found.append(inside[1:-1])
    return found


def _note(corpus: str, number: str, kind: str, *, before: str = "see ") -> Note:
    span = Span(kind=kind, start=len(before), end=len(before) + len(number))
    return Note(language=corpus, text=f"{before}{number} please", spans=(span,))
