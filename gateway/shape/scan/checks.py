"""Check digits: whether a number can be what it looks like."""

_DOUBLED = {str(digit): sum(divmod(2 * digit, 10)) for digit in range(10)}
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
# What the characters of a codice fiscale count in odd places, digits and letters alike by value.
_ODD = (
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18),
    *(20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: from the right, every second digit counts doubled."""
    total = sum(map(int, digits[-1::-2])) + sum(map(_DOUBLED.__getitem__, digits[-2::-2]))
    return total % 10 == 0


def resident_id(text: str) -> bool:
    """GB 11643: the check character over the other seventeen (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(text, _RESIDENT_WEIGHTS, strict=False))
    return text[-1] == _RESIDENT_CHECKS[total % 11]


def tax_id(digits: str) -> bool:
    """
    The German Identifikationsnummer (§ 139b AO): of the first ten digits one
    stands twice or thrice and no other more than once; ISO 7064 MOD 11,10.
    """
    repeated = sorted(map(digits[:10].count, set(digits[:10])))
    if repeated[-1] not in (2, 3) or repeated[-2] != 1:
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def iban(account: str) -> bool:
    """ISO 7064 MOD 97-10, as ISO 13616 has it; upper and lower case are the same."""
    return int("".join(str(int(each, 36)) for each in account[4:] + account[:4])) % 97 == 1


def dni(text: str) -> bool:
    """The letter of a Spanish DNI or NIE over its number; X, Y, Z before it count 0, 1, 2."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(number) % 23] == text[-1]


def codice_fiscale(text: str) -> bool:
    """The last letter of an Italian codice fiscale over the fifteen before it."""
    values = [_value(each) for each in text[:15]]
    total = sum(_ODD[value] for value in values[::2]) + sum(values[1::2])
    return total % 26 == ord(text[15]) - ord("A")


def _value(character: str) -> int:
    return int(character) if character.isdecimal() else ord(character) - ord("A")


def nir(text: str) -> bool:
    """The key of a French NIR: 97 minus the rest; Corsica's 2A and 2B count 19 and 18."""
    number = text[:13].replace("2A", "19").replace("2B", "18")
    return 97 - int(number) % 97 == int(text[13:])
