"""
Names of fields that look as if they held something personal (C1).

A field declared `category: none` says nothing about a person. If its name says
otherwise, somebody should look: `check` warns.
"""

import re
from itertools import pairwise

# Single words. Latin ones are matched whole, so that `description` is no `ip`.
_LATIN = """
    name names firstname lastname fullname surname forename realname username nickname nick
    phone phones telephone tel mobile cellphone msisdn fax
    address addresses addr street postcode postalcode zipcode
    email emails mail
    idcard idno idnumber passport ssn identity citizenid nationalid licence license
    birth birthday birthdate dob age gender sex
    ip ipaddress ipv4 ipv6 imei imsi idfa oaid mac deviceid
    latitude longitude lat lng lon gps location coordinates
    account password passwd avatar photo openid unionid wechat qq
    bankcard iban cardnumber pan
"""
_WORDS = frozenset(_LATIN.split())
# Chinese words stand inside longer ones without a space between.
_PARTS = (
    "姓名",
    "名字",
    "昵称",
    "电话",
    "手机",
    "地址",
    "住址",
    "邮箱",
    "邮件",
    "身份证",
    "证件",
    "护照",
    "生日",
    "出生",
    "年龄",
    "性别",
    "位置",
    "经度",
    "纬度",
    "定位",
    "账号",
    "帐号",
    "密码",
    "头像",
    "银行卡",
    "微信",
    "设备号",
)

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[a-z]+[0-9]*|[0-9]+")


def looks_personal(name: str) -> bool:
    """Whether a field's name, or selector, has a word for something about a person."""
    if any(part in name for part in _PARTS):
        return True
    return any(_segment_looks_personal(segment) for segment in name.split("/"))


def _segment_looks_personal(segment: str) -> bool:
    words = _WORD.findall(_CAMEL.sub(" ", segment).lower())
    if any(word in _WORDS or word.rstrip("0123456789") in _WORDS for word in words):
        return True
    return any(first + second in _WORDS for first, second in pairwise(words))
