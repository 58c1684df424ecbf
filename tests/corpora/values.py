"""
Values as people write them into notes: personal ones, and others that look alike.

Made from the standards' own descriptions and from a seeded source of
randomness. Nothing here comes from the recognisers, and nothing there from
here: check digits are computed in another way, and there is no list of
prefixes, words or patterns that both read.
"""

import base64
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

# Around the secret itself, where a value is written with its name.
OPEN, CLOSE = "\x02", "\x03"

HIDDEN = ("\u200b", "\u2060", "\u00ad", "\u200e", "\ufeff")


def figures(source: Random, count: int) -> str:
    """So many digits, the first not zero."""
    return source.choice(digits[1:]) + "".join(source.choices(digits, k=count - 1))


def grouped(text: str, *sizes: int, by: str = " ") -> str:
    """`text` in groups of these sizes; the last size repeats."""
    parts, rest, sizes_left = [], text, list(sizes)
    while rest:
        size = sizes_left.pop(0) if len(sizes_left) > 1 else sizes_left[0]
        parts.append(rest[:size])
        rest = rest[size:]
    return by.join(parts)


def wide(text: str) -> str:
    """`text` in the full-width forms that Chinese keyboards write."""
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def arabic(text: str) -> str:
    """`text` with Arabic-Indic digits."""
    return "".join(chr(0x660 + int(each)) if each in digits else each for each in text)


def riddled(source: Random, text: str) -> str:
    """`text` with characters between that print nothing, as copying from a page brings them."""
    at = source.randrange(1, len(text))
    return text[:at] + source.choice(HIDDEN) + text[at:]


def disguised(source: Random, text: str) -> str:
    """`text`, now and then in other widths or scripts, or with what prints nothing."""
    chance = source.random()
    if chance < 0.06:
        return wide(text)
    if chance < 0.12:
        return riddled(source, text)
    return arabic(text) if chance < 0.14 else text


# Telephone numbers


def phone_zh(source: Random) -> str:
    """A number as written in China; one in six rings on a desk."""
    mobile = (
        source.choice(("133", "138", "150", "159", "166", "177", "186", "198"))
        + (figures(source, 9)[1:])
    )
    local = figures(source, 8)
    return source.choice(
        [
            mobile,
            mobile,
            mobile,
            grouped(mobile, 3, 4),
            grouped(mobile, 3, 4, by="-"),
            "+86" + mobile,
            "+86 " + grouped(mobile, 3, 4),
            "0086-" + mobile,
            "86 " + mobile,
            source.choice(("010", "021", "028")) + "-" + local,
            "0755-" + grouped(local, 4),
            "(020)" + local,
            "+852 " + grouped(local, 4),
        ]
    )


def phone_en(source: Random) -> str:
    """Numbers from the ranges kept for fiction in the United States and in Britain."""
    area = source.choice(("212", "305", "415", "617", "808"))
    line = "01" + "".join(source.choices(digits, k=2))
    mobile = "7700 900" + "".join(source.choices(digits, k=3))
    london = "20 7946 0" + "".join(source.choices(digits, k=3))
    return source.choice(
        [
            f"({area}) 555-{line}",
            f"{area}-555-{line}",
            f"{area}.555.{line}",
            f"+1 {area} 555 {line}",
            f"+1-{area}-555-{line}",
            f"1-{area}-555-{line}",
            f"{area}555{line}",
            f"0{mobile}",
            f"0{mobile}".replace(" ", ""),
            f"+44 {mobile}",
            f"+44 (0){mobile}",
            f"0{london}",
            f"+44 {london}",
            f"(020) {london[3:]}",
            f"+61 2 5550 {line}",
        ]
    )


def phone_de(source: Random) -> str:
    """Numbers of Germany, Austria and Switzerland, in the many ways of writing them there."""
    last = figures(source, 7)
    mobile = source.choice(("151", "160", "171", "176")) + figures(source, 8)
    return source.choice(
        [
            f"030 {last}",
            f"030/{last}",
            f"(030) {grouped(last, 3, 2)}",
            f"0221 - {grouped(last, 3)}",
            f"089-{last}",
            f"0{mobile}",
            f"0{mobile[:3]} {mobile[3:]}",
            f"0{mobile[:3]}/{grouped(mobile[3:], 4)}",
            f"+49{mobile}",
            f"+49 {mobile[:3]} {mobile[3:]}",
            f"+49 (0) 30 {last[:4]}-{last[4:]}",
            f"0049 {mobile[:3]} {mobile[3:]}",
            f"+43 1 {last}",
            f"044 {grouped(last, 3, 2)}",
            f"+41 44 {grouped(last, 3, 2)}",
        ]
    )


# Addresses


_GIVEN = {
    "zh": ("zhangwei", "li.na", "wangfang88", "chen_jie", "liuyang"),
    "en": ("sam.taylor", "j.okafor", "mary-ann", "o'neill", "k.patel+orders"),
    "de": ("jörg", "anna.schäfer", "m.weiß", "k_lehmann", "uwe-2"),
}
_HOSTS = {
    "zh": ("mail.example", "bumen.gongsi.example", "邮件.example", "公司.测试"),
    "en": ("mail.example", "post.co.example", "x-y.example"),
    "de": ("post.example", "müller.example", "büro.mail.example"),
}


def email(source: Random, language: str) -> str:
    """An address; one in twenty is spelt out against machines."""
    local, host = source.choice(_GIVEN[language]), source.choice(_HOSTS[language])
    plain = f"{local}@{host}"
    chance = source.random()
    if chance < 0.05:
        return plain.replace("@", " (at) ").replace(".", " dot ")
    if chance < 0.1:
        return plain.upper()
    if chance < 0.15:
        return plain.replace("@", "\uff20")
    return riddled(source, plain) if chance < 0.2 else plain


# Places in the world and on the net


def place(source: Random, language: str) -> str:
    """Coordinates, exact to some ten metres, as maps, phones and atlases write them."""
    north, east = source.uniform(20, 60), source.uniform(1, 179)
    bare = f"{north:.{source.randrange(4, 7)}f}", f"{east:.{source.randrange(4, 7)}f}"
    forms = [
        ", ".join(bare),
        ",".join(bare),
        " ".join(bare),
        f"{bare[0]}° N, {bare[1]}° E",
        f"N{bare[0]} E{bare[1]}",
        f"{_sexagesimal(north)}N {_sexagesimal(east)}E",
        f"lat {bare[0]}, lon {bare[1]}",
        f"-{bare[0]}, {bare[1]}",
    ]
    forms += {
        "zh": [f"北纬{bare[0]}度，东经{bare[1]}度", f"经度{bare[1]} 纬度{bare[0]}"],
        "en": [
            f"latitude {bare[0]} and longitude {bare[1]}",
            f"geo:{_only(f'{bare[0]},{bare[1]}')}",
        ],
        "de": [
            f"{bare[0].replace('.', ',')}° N, {bare[1].replace('.', ',')}° O",
            f"Breite {bare[0]}, Länge {bare[1]}",
        ],
    }[language]
    return source.choice(forms)


def _sexagesimal(angle: float) -> str:
    minutes = angle % 1 * 60
    return f"{int(angle)}°{int(minutes)}'{minutes % 1 * 60:.{1}f}\""


def address_on_net(source: Random) -> str:
    """An address of the ranges for documentation, or one that looks like a household's."""
    host = source.randrange(1, 255)
    return source.choice(
        [
            f"203.0.113.{host}",
            f"198.51.100.{host}",
            f"81.{source.randrange(100, 255)}.{source.randrange(10, 99)}.{host}",
            f"114.88.{source.randrange(10, 255)}.{host}",
            f"2001:db8::{host:x}:{source.randrange(4096, 65535):x}",
            f"2001:db8:85a3:0:0:8a2e:370:{source.randrange(4096, 65535):x}",
        ]
    )


# Secrets


def secret(source: Random, language: str) -> str:
    """What opens something: a key, a signed token, a password behind its name."""
    word = "".join(source.choices(ascii_letters + digits, k=40))
    password = _only("".join(source.choices(ascii_lowercase, k=6)) + figures(source, 3) + "!")
    named = {"zh": "密码：", "en": "password: ", "de": "Passwort: "}[language]
    return source.choice(
        [
            "AKIA" + "".join(source.choices(ascii_uppercase + digits[2:8], k=16)),
            "ghp_" + word[:36],
            "sk_live_" + word[:24],
            "glpat-" + word[:20],
            "xoxb-" + figures(source, 12) + "-" + word[:24],
            "LTAI" + word[:20],
            _signed(source),
            f"-----BEGIN PRIVATE KEY-----\n{word}\n{word}\n-----END PRIVATE KEY-----",
            f"api_key={_only(word[:32])}",
            f"Authorization: Bearer {_only(word)}",
            f"https://admin:{password}@db.example/orders",
            named + password,
            named + password,
            "pwd=" + password,
        ]
    )


def _only(text: str) -> str:
    return f"{OPEN}{text}{CLOSE}"


def _signed(source: Random) -> str:
    parts = ('{"alg":"HS256","typ":"JWT"}', f'{{"sub":"{figures(source, 9)}","role":"admin"}}')
    encoded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "".join(source.choices(ascii_letters + digits, k=43))])
