"""What looks like personal data and is none: numbers of orders, parcels, books, parts, versions."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from string import ascii_uppercase, digits, hexdigits

from tests.corpora import numbers
from tests.corpora.values import figures, grouped


def _moment(source: Random) -> datetime:
    return datetime(2024, 1, 1) + timedelta(seconds=source.randrange(90_000_000))  # noqa: DTZ001


def order(source: Random) -> str:
    """The number of an order, made of a moment, or of any digits."""
    moment = _moment(source)
    return source.choice(
        [
            moment.strftime("%Y%m%d%H%M%S") + figures(source, 4),
            moment.strftime("%Y%m%d") + figures(source, 6),
            moment.strftime("%Y-%m%d-") + figures(source, 5),
            figures(source, 8),
            figures(source, 10),
            figures(source, 12),
            figures(source, 18),
            "10" + figures(source, 9),
            f"{figures(source, 3)}-{figures(source, 7)}-{figures(source, 7)}",
        ]
    )


def parcel(source: Random) -> str:
    """The number of a parcel, as carriers write it."""
    return source.choice(
        [
            "SF" + figures(source, 13),
            "YT" + figures(source, 13),
            "JDVB" + figures(source, 11),
            "1Z" + "".join(source.choices(ascii_uppercase, k=3)) + figures(source, 13),
            "RR" + figures(source, 9) + "CN",
            "00340" + figures(source, 15),
            grouped("9400" + figures(source, 18), 4),
            "JJD" + figures(source, 18),
            grouped(figures(source, 12), 4),
        ]
    )


def price(source: Random) -> str:
    """An amount of money, with the separators of several countries."""
    whole, cents = source.randrange(1_000, 99_999_999), source.randrange(100)
    return source.choice(
        [
            f"¥{whole:,}.{cents:02}",
            f"${whole:,}.{cents:02}",
            f"{whole:,}".replace(",", ".") + f",{cents:02} €",
            f"CHF {whole:,}".replace(",", "'") + f".{cents:02}",
            f"{whole}.00 CNY",
            f"{source.randrange(2, 20)}@{whole % 90}.{cents:02}",
            f"{whole * 1000:,} JPY",
        ]
    )


def moment(source: Random) -> str:
    """A date, a time, a span, or seconds since 1970."""
    at = _moment(source)
    until = at + timedelta(days=9)
    return source.choice(
        [
            at.strftime("%Y-%m-%d %H:%M:%S"),
            at.strftime("%d.%m.%Y %H.%M"),
            at.strftime("%Y%m%d %H%M%S"),
            at.strftime("%Y%m%d%H%M%S"),
            f"{at:%Y-%m-%d} - {until:%Y-%m-%d}",
            f"{at:%d.%m.%Y}-{until:%d.%m.%Y}",
            f"{at:%Y}年{at.month}月{at.day}日{at.hour}点",
            str(int(at.timestamp())),
            str(int(at.timestamp() * 1000)),
            at.strftime("%d/%m/%Y %H:%M"),
            at.strftime("%Y-%m-%dT%H:%M:%S.123456+08:00"),
        ]
    )


def version(source: Random) -> str:
    """The number of a version, of a section, or of a build."""
    small = [source.randrange(30) for _ in range(4)]
    return source.choice(
        [
            ".".join(map(str, small)),
            "v" + ".".join(map(str, small[:3])),
            f"10.0.{source.randrange(10_000, 30_000)}.{source.randrange(300, 4_000)}",
            f"{small[0]}.{small[1]}.{small[2]}-rc.{small[3]}",
            f"version {source.randrange(100, 200)}.0.{source.randrange(10, 99)}.{small[1] + 100}",
            f"§ {small[0]}.{small[1]}.{small[2]}.{small[3]}",
            "20H2 19042.1052",
        ]
    )


def book(source: Random) -> str:
    """A book, a magazine or goods: ISBN, ISSN, EAN, with the right check digit."""
    body = source.choice(("978", "979", "400", "692", "501", "871")) + figures(source, 9)
    total = sum(int(each) * (3 if place % 2 else 1) for place, each in enumerate(body))
    full = f"{body}{-total % 10}"
    ten = figures(source, 9)
    check = sum((place + 1) * int(each) for place, each in enumerate(ten)) % 11
    old = ten + ("X" if check == 10 else str(check))
    return source.choice(
        [full, grouped(full, 3, 1, 4, 4, 1, by="-"), old, grouped(old, 1, 3, 5, 1, by="-")]
    )


def device(source: Random) -> str:
    """A telephone, a SIM card or a network card by its number; the first two have a Luhn digit."""
    mac = [f"{source.randrange(256):02X}" for _ in range(6)]
    return source.choice(
        [
            numbers.with_luhn("35" + figures(source, 12)),
            numbers.with_luhn("86" + figures(source, 12)),
            numbers.with_luhn("8986" + figures(source, 15)),
            ":".join(mac),
            "-".join(mac),
        ]
    )


def digest(source: Random) -> str:
    """An id or a hash in hexadecimal."""
    text = "".join(source.choices(hexdigits.lower()[:16], k=64))
    return source.choice([text[:40], text, grouped(text[:32], 8, 4, 4, 4, 12, by="-"), text[:7]])


def invoice(source: Random) -> str:
    """The number of an invoice, a contract or a part, in the groups of a telephone number."""
    return source.choice(
        [
            f"INV-0{figures(source, 3)}-{figures(source, 6)}",
            f"RE-2026-{figures(source, 4)}-{figures(source, 3)}",
            f"HT-010-{figures(source, 8)}",
            f"2026/{figures(source, 5)}",
            f"{figures(source, 3)}.{figures(source, 3)}.{figures(source, 3)}",
            f"{figures(source, 2)}-{figures(source, 5)}-{figures(source, 3)}",
            f"No. {figures(source, 7)}",
            f"KD{figures(source, 9)}",
            f"A1-{figures(source, 4)}-{figures(source, 5)}",
        ]
    )


def nearly(source: Random, language: str) -> str:
    """A number whose check digit is wrong, so that it is none of its kind."""
    make = source.choice((numbers.card, numbers.iban, numbers.resident_id, numbers.tax_id))
    right = make(source)
    places = [at for at, each in enumerate(right) if each in digits and at > len(right) - 4]
    if not places:
        return nearly(source, language)
    at = places[-1]
    return right[:at] + str((int(right[at]) + source.choice((1, 3, 7))) % 10) + right[at + 1 :]


def measure(source: Random) -> str:
    """Measured values, sizes, scores, and pairs of numbers that are no place."""
    one, other = source.uniform(0, 90), source.uniform(0, 180)
    sizes = range(source.randrange(34, 39), source.randrange(43, 47))
    return source.choice(
        [
            f"{one:.1f}, {other:.1f}",
            f"{one:.3f}, {other:.2f}",
            f"{one * 1000:.0f} x {other:.0f} mm",
            f"{one:.2f} kg / {other:.1f} cm",
            " ".join(map(str, sizes)),
            f"{source.randrange(9)}:{source.randrange(9)}",
            f"{one:.4f}",
            f"{one:.2f}°C",
            f"{one * 11:.4f} {other * 11:.4f}",
        ]
    )


def network(source: Random) -> str:
    """An address that every house has, a mask, a port."""
    return source.choice(
        [
            *("192.168.0.1", "127.0.0.1", "10.0.0.17", "255.255.255.0", "0.0.0.0", "::1", "16:9"),
            f"172.16.{source.randrange(255)}.{source.randrange(255)}",
            "std::vector<int>",
        ]
    )


def about_secrets(source: Random, language: str) -> str:
    """Words about passwords and tokens, without one."""
    return source.choice(
        {
            "zh": ["密码：见短信", "密码错误", "忘记密码？", "token 已过期", "密码是必填项"],
            "en": [
                *("password: see the other sheet", "password reset", "token expired"),
                *("api_key=<key>", "password: ********", "secret sauce"),
            ],
            "de": [
                "Passwort: siehe Zettel",
                "Passwort vergessen",
                "Token abgelaufen",
                "PIN-Eingabe",
            ],
        }[language]
    )


def handle(source: Random, language: str) -> str:
    """An @ that is no address."""
    return source.choice(["@kundendienst", "team@home", "3 @ 4.50", "user@localhost", "@2x.png"])


DECOYS: Mapping[str, Callable[[Random, str], str]] = {
    "order": lambda source, language: order(source),
    "parcel": lambda source, language: parcel(source),
    "price": lambda source, language: price(source),
    "moment": lambda source, language: moment(source),
    "version": lambda source, language: version(source),
    "book": lambda source, language: book(source),
    "device": lambda source, language: device(source),
    "digest": lambda source, language: digest(source),
    "invoice": lambda source, language: invoice(source),
    "nearly": nearly,
    "measure": lambda source, language: measure(source),
    "network": lambda source, language: network(source),
    "about-secrets": about_secrets,
    "handle": handle,
}
"""Every kind of decoy by its name."""
