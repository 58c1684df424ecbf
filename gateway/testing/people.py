"""
Synthetic people, and what an app knows of them.

Everything comes from a seed, so the same number gives the same person. What is
said looks like the real thing and cannot belong to anybody: mobile numbers
have 0000 where the real ones name a district, identity numbers a check digit
that fails (GB 11643), bank cards one that fails Luhn's, addresses a street
that no map has; network addresses are those set aside for documentation
(RFC 5737), mail domains end in `.example`.

Bodies hold more than any manifest of the default set declares: that is what an
app does, and what the gateway is for.
"""

import hashlib
import random
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

DEFAULT_SEED = 2026
# Ages are counted from here, so that a person does not grow older between two runs.
TODAY = date(2026, 11, 1)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SURNAMES = _words(
    "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 "
    "欧阳 司马 上官 诸葛 夏侯 皇甫 尉迟 令狐 慕容 公孙"
)
_GIVEN = _words(
    "明 伟 芳 娜 敏 静 磊 军 洋 勇 艳 杰 涛 超 秀英 建国 志强 桂英 海燕 晓东 雨桐 子涵 浩然 欣怡 "
    "梓萱 宇轩 诗琪 俊杰 思远 若曦 嘉懿 煜城 懿轩 烨伟 苑博 伟泽 熠彤 鸿煊 博涛 烨霖"
)
_NICKS = _words("夜猫子 爱吃橘子 山里的风 小鱼干 半糖去冰 晚睡冠军 白日梦 追云的人 拾光 北极兔")
_STREETS = _words("望湖 青禾 云栖 松涛 星桥 梧桐里 银杏 玉泉 南屏 听雨")
_MODELS = ("Aster 7", "Aster 7 Pro", "Lumen X2", "Lumen Fold", "Kite 11", "Kite 11 Mini")
_SYSTEMS = ("Android 15", "Android 16", "HarmonyOS 5.1", "iOS 19.2")
_PREFIXES = _words("135 138 139 150 158 177 186 189 191 199")


class Place(NamedTuple):
    """A city with a district, its code of GB/T 2260, and its middle."""

    province: str
    city: str
    district: str
    code: str
    latitude: float
    longitude: float


_PLACES = (
    Place("浙江省", "杭州市", "西湖区", "330106", 30.26, 120.13),
    Place("上海市", "上海市", "浦东新区", "310115", 31.22, 121.54),
    Place("北京市", "北京市", "海淀区", "110108", 39.96, 116.30),
    Place("广东省", "深圳市", "南山区", "440305", 22.53, 113.93),
    Place("广东省", "广州市", "天河区", "440106", 23.13, 113.36),
    Place("四川省", "成都市", "武侯区", "510107", 30.64, 104.04),
    Place("江苏省", "南京市", "鼓楼区", "320106", 32.07, 118.77),
    Place("湖北省", "武汉市", "洪山区", "420111", 30.50, 114.34),
    Place("陕西省", "西安市", "雁塔区", "610113", 34.22, 108.95),
    Place("福建省", "厦门市", "思明区", "350203", 24.45, 118.08),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who does not exist. Prints the number and nothing else."""

    number: int
    account: str
    """The app's own id: what `Sharing-Subject` says."""
    name: str
    gender: str
    birthday: date
    identity_number: str
    phone: str
    email: str
    nickname: str
    avatar: str
    place: Place
    street: str
    device_id: str
    device_model: str
    device_os: str
    ip: str
    latitude: float
    longitude: float
    bank_card: str

    @property
    def address(self) -> str:
        """The whole postal address in one line."""
        return f"{self.place.province}{self.place.city}{self.place.district}{self.street}"

    @property
    def minor(self) -> bool:
        """Under 14, when a guardian consents (M1)."""
        return (TODAY - self.birthday) < timedelta(days=365.25 * 14)

    def marks(self) -> dict[str, str]:
        """
        Label to value of what singles the person out, to be searched for.

        A name of two characters is left out: it turns up by chance.
        """
        telling = (
            *("account", "identity_number", "phone", "email"),
            *("avatar", "street", "device_id", "bank_card"),
        )
        long = ["name"] if len(self.name) > 2 else []
        return {label: str(getattr(self, label)) for label in (*long, *telling)}

    def __repr__(self) -> str:
        return f"<Person {self.number}>"


def people(count: int, *, seed: int = DEFAULT_SEED) -> list[Person]:
    """The first `count` people of a seed."""
    return [person(number, seed=seed) for number in range(count)]


def person(number: int, *, seed: int = DEFAULT_SEED) -> Person:
    """Person `number` of a seed, whoever else was asked for. Each nineteenth is a minor."""
    rng = random.Random(f"{seed}/{number}")
    place = rng.choice(_PLACES)
    birthday = _birthday(rng, minor=number % 19 == 18)
    account = f"lumen-{rng.randrange(10**9):09d}-{number}"
    return Person(
        number=number,
        account=account,
        name=rng.choice(_SURNAMES) + rng.choice(_GIVEN),
        gender=rng.choice(("female", "male")),
        birthday=birthday,
        identity_number=_identity_number(rng, place, birthday),
        phone=f"{rng.choice(_PREFIXES)}0000{rng.randrange(10_000):04d}",
        email=f"{account}@mail.example",
        nickname=f"{rng.choice(_NICKS)}{rng.randrange(10_000):04d}",
        avatar=f"https://media.lumen-app.example/avatars/{_digest(account)[:24]}.webp",
        place=place,
        street=_street(rng),
        device_id=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        device_model=rng.choice(_MODELS),
        device_os=rng.choice(_SYSTEMS),
        ip=rng.choice(("192.0.2.", "198.51.100.", "203.0.113.")) + str(rng.randint(1, 254)),
        latitude=round(place.latitude + rng.uniform(-0.05, 0.05), 6),
        longitude=round(place.longitude + rng.uniform(-0.05, 0.05), 6),
        bank_card=_bank_card(rng),
    )


def describe(someone: Person) -> dict[str, Any]:
    """Everything that the app knows of a person, as it would put it into a body unasked."""
    return {
        "account": someone.account,
        "name": someone.name,
        "gender": someone.gender,
        "birthday": someone.birthday.isoformat(),
        "id_card": someone.identity_number,
        "phone": someone.phone,
        "email": someone.email,
        "nickname": someone.nickname,
        "avatar": someone.avatar,
    }


def device(someone: Person) -> dict[str, Any]:
    """The device, and where in the network it is."""
    return {
        "id": someone.device_id,
        "model": someone.device_model,
        "os": someone.device_os,
        "ip": someone.ip,
    }


def _birthday(rng: random.Random, *, minor: bool) -> date:
    years = rng.randint(8, 12) if minor else rng.randint(19, 72)
    return TODAY - timedelta(days=years * 365 + rng.randrange(365))


def _street(rng: random.Random) -> str:
    # "拟" marks a street as imagined, so that no parcel finds it.
    building, unit, room = rng.randint(1, 40), rng.randint(1, 4), rng.randint(101, 2802)
    return f"{rng.choice(_STREETS)}拟路{rng.randint(1, 999)}号{building}栋{unit}单元{room}室"


def _identity_number(rng: random.Random, place: Place, birthday: date) -> str:
    body = f"{place.code}{birthday:%Y%m%d}{rng.randrange(1000):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    # One place further than the right one: the number can never be valid.
    return body + "10X98765432"[(total + 1) % 11]


def _bank_card(rng: random.Random) -> str:
    body = "620000" + "".join(rng.choices("0123456789", k=12))
    return body + str((_luhn_digit(body) + 1) % 10)


def _luhn_digit(body: str) -> int:
    """The check digit that would be right for `body` (ISO/IEC 7812-1)."""
    doubled = (int(d) * (2 - place % 2) for place, d in enumerate(reversed(body)))
    return -sum(number // 10 + number % 10 for number in doubled) % 10


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
