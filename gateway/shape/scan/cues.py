"""
Words that name what follows.

A number that has neither a check digit nor a shape of its own is taken for a
telephone number, a card or a place if a word right before it says so. Between
the word and the number stand a few signs and small words at most.
"""

import re

# How far before a number a word is looked for, in characters.
REACH = 40

_SMALL = (
    r"(?:[ \t:.,#*(\[=>/-]|号码?|是|为|我的?|请|至|给|到|了|"
    r"(?:no|nr|num|number|nummer|me|us|him|her|them|at|on|is|to|my|our|new|the|or|via|"
    r"bin|ich|mich|uns|ist|ihn|sie|unter|bitte|der|die|an|auf|lautet|neue)\b){0,8}\Z"
)


def _before(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{words}){_SMALL}", re.IGNORECASE)


_LATIN = r"(?<![a-z\u00df-\u00ff])"

_PHONE = _before(
    "电话|手机|座机|致电|回电|来电|拨打|拨|打|联系我|联系方式|热线|传真|微信|短信|换号|"
    rf"{_LATIN}(?:tele(?:ph|f)on[a-z]{{0,8}}|tel|phone|cell(?:phone)?|mob(?:ile?)?|mobil(?:nummer)?|call|"
    r"ring|text|sms|dial|reach|contact|fax|whatsapp|signal|handy[a-z]{0,8}|rufnummer|"
    r"(?:an|zur[uü]ck)?rufen|rufe?|ruft|durchwahl|festnetz(?:nummer)?|erreichbar|erreichen|melden)"
)
_CARD = _before(
    "卡号?|银行卡|信用卡|借记卡|储蓄卡|"
    rf"{_LATIN}(?:(?:credit|debit|bank)?[ -]?card|(?:kredit|bank|giro)?karten?(?:nummer)?|"
    r"visa|mastercard|amex|maestro|unionpay)"
)
_PLACE = _before(
    "坐标|定位|位置|经纬度|导航到?|"
    rf"{_LATIN}(?:gps|geo|coord(?:inate)?s?|location|position|koordinaten?|standort|treffpunkt|loc)"
)
_ADDRESS = _before(rf"{_LATIN}(?:ipv?[46]?|ip[ -]?(?:addr(?:ess)?|adresse)|client|host)|地址")
_VERSION = re.compile(
    r"(?:版本号?|固件|§|第|\bv|(?:version|ver|release|build|firmware|section|chapter|kapitel|"
    r"abschnitt|ziffer|software|sdk|driver|treiber)s?)[ .:(-]{0,3}\Z",
    re.IGNORECASE,
)


def phone_named(text: str, at: int) -> bool:
    """Whether what stands right before `at` says that a telephone number follows."""
    return _named(_PHONE, text, at)


def card_named(text: str, at: int) -> bool:
    """Whether what stands right before `at` says that the number of a card follows."""
    return _named(_CARD, text, at)


def place_named(text: str, at: int) -> bool:
    """Whether what stands right before `at` says that a place follows."""
    return _named(_PLACE, text, at)


def address_named(text: str, at: int) -> bool:
    """Whether what stands right before `at` says that the address of a machine follows."""
    return _named(_ADDRESS, text, at)


def version_named(text: str, at: int) -> bool:
    """Whether what stands right before `at` says that a version or a section follows."""
    return _named(_VERSION, text, at)


def _named(cue: re.Pattern[str], text: str, at: int) -> bool:
    return cue.search(text[max(0, at - REACH) : at]) is not None
