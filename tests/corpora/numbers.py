"""Numbers with check digits, made from what their standards say."""

from datetime import date, timedelta
from random import Random
from string import ascii_uppercase, digits

from tests.corpora.values import disguised, grouped


def resident_id(source: Random) -> str:
    """A Chinese resident id; the check character closes the sum of powers of two to 1 modulo 11."""
    born = date(1950, 1, 1) + timedelta(days=source.randrange(25_000))
    region = source.choice(("110105", "310104", "440305", "510107", "330106"))
    head = region + born.strftime("%Y%m%d") + "".join(source.choices(digits, k=3))
    total = sum(int(each) * 2 ** (17 - place) for place, each in enumerate(head))
    check = (1 - total) % 11
    full = head + ("X" if check == 10 else str(check))
    return disguised(
        source,
        source.choice([full, full, full, full.lower(), grouped(full, 6, 8, 4)]),
    )


def other_resident(source: Random) -> str:
    """An identity number of Spain, Italy or France."""
    return source.choice((_dni, _codice_fiscale, _nir))(source)


def _dni(source: Random) -> str:
    number = source.randrange(10_000_000, 99_999_999)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def _codice_fiscale(source: Random) -> str:
    letters = "".join(source.choices("BCDFGLMNPRSTV", k=6))
    body = (
        f"{letters}{source.randrange(40, 99)}{source.choice('ABCDEHLMPRST')}"
        f"{source.randrange(1, 29):02}{source.choice('ABCDEFGHI')}{source.randrange(100, 999)}"
    )
    odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25]
    odd += [24, 23]
    total = 0
    for place, each in enumerate(body):
        value = int(each) if each in digits else ord(each) - ord("A")
        total += value if place % 2 else odd[value]
    return body + chr(ord("A") + total % 26)


def _nir(source: Random) -> str:
    body = (
        f"{source.choice('12')}{source.randrange(40, 99)}{source.randrange(1, 13):02}"
        f"{source.randrange(10, 96)}{source.randrange(1, 990):03}{source.randrange(1, 990):03}"
    )
    full = f"{body}{97 - int(body) % 97:02}"
    return source.choice((full, grouped(full, 1, 2, 2, 2, 3, 3, 2)))


def tax_id(source: Random) -> str:
    """A German tax id: one of the first ten digits stands twice or thrice, one or two never."""
    order = source.sample(digits, 10)
    body = [*order[:9], order[source.randrange(9)]]
    source.shuffle(body)
    if body[0] == "0":
        body.append(body.pop(0))
    if body[0] == "0":
        return tax_id(source)
    product = 10
    for each in body:
        total = (int(each) + product) % 10 or 10
        product = total * 2 % 11
    full = "".join(body) + str((11 - product) % 10)
    return source.choice((full, grouped(full, 2, 3), grouped(full, 2, 3)))


def with_luhn(body: str) -> str:
    """`body` with the digit that ISO/IEC 7812-1 asks for behind it."""
    for check in digits:
        doubled = [
            int(each) * (2 if place % 2 else 1) for place, each in enumerate(reversed(body + check))
        ]
        if sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0:
            return body + check
    raise AssertionError


def card(source: Random) -> str:
    """A bank card of one of the usual schemes."""
    start, length = source.choice(
        [
            *(("4", 16), ("4", 16), ("53", 16), ("2412", 16), ("3714", 15), ("6011", 16)),
            *(("3530", 16), ("3612", 14), ("622202", 19), ("621700", 19), ("625912", 16)),
        ]
    )
    full = with_luhn(start + "".join(source.choices(digits, k=length - 1 - len(start))))
    spaced = grouped(full, 4, 6, 5) if length == 15 else grouped(full, 4)
    return disguised(source, source.choice([full, full, spaced, spaced, spaced.replace(" ", "-")]))


def iban(source: Random) -> str:
    """An account number; the check digits are those that leave 1 modulo 97."""
    country, length, bank = source.choice(
        [
            *(("DE", 22, ""), ("DE", 22, ""), ("AT", 20, ""), ("CH", 21, ""), ("NL", 18, "BANK")),
            *(("GB", 22, "TEST"), ("FR", 27, ""), ("ES", 24, "")),
        ]
    )
    account = bank + "".join(source.choices(digits, k=length - 4 - len(bank)))
    total = 0
    for each in account + country + "00":
        value = ascii_uppercase.find(each) + 10 if each in ascii_uppercase else int(each)
        total = (total * (100 if value > 9 else 10) + value) % 97
    full = f"{country}{98 - total:02}{account}"
    return disguised(
        source, source.choice([full, grouped(full, 4), grouped(full, 4), full.lower()])
    )
