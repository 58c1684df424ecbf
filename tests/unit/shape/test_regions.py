"""Provinces and cities in place of addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shape.regions import region


@pytest.mark.parametrize(
    ("address", "province", "city"),
    [
        ("四川省成都市青羊区人民中路1号", "四川省", "四川省成都市"),
        ("四川成都市青羊区", "四川省", "四川省成都市"),
        ("成都市青羊区人民中路1号", "四川省", "四川省成都市"),
        ("中国四川省成都市", "四川省", "四川省成都市"),
        ("中华人民共和国 四川省 成都市", "四川省", "四川省成都市"),
        ("北京市朝阳区建国路1号", "北京市", "北京市"),
        ("北京朝阳区", "北京市", "北京市"),
        ("吉林市船营区", "吉林省", "吉林省吉林市"),
        ("吉林省吉林市", "吉林省", "吉林省吉林市"),
        ("海南藏族自治州共和县", "青海省", "青海省海南藏族自治州"),
        ("海南省海口市", "海南省", "海南省海口市"),
        ("内蒙古呼和浩特市", "内蒙古自治区", "内蒙古自治区呼和浩特市"),
        ("广西南宁市", "广西壮族自治区", "广西壮族自治区南宁市"),
        ("新疆维吾尔自治区喀什地区", "新疆维吾尔自治区", "新疆维吾尔自治区喀什地区"),
        ("香港特别行政区中环", "香港特别行政区", "香港特别行政区"),
        ("四川", "四川省", "四川省"),
        ("四川省张三家隔壁的超市", "四川省", "四川省"),
        ("河北路12号", None, None),
        ("四川大学望江校区", None, None),
        ("河北大街1号", None, None),
        ("河南南阳市", "河南省", "河南省南阳市"),
        ("人民中路1号", None, None),
        ("1 High Street, London", None, None),
        ("", None, None),
    ],
)
def test_an_address_shows_its_province_or_city(address, province, city):
    """Of an address in China the province, or its city, is left; of any other nothing."""
    assert region(address, "province") == province
    assert region(address, "city") == city


@given(st.sampled_from(["四川省", "成都市", "北京", "中国"]), st.text())
def test_nothing_of_the_address_itself_is_shown(start, rest):
    """Whatever follows the city never shows, only names from the list do."""
    known = {"四川省", "四川省成都市", "北京市", None}
    if rest.strip() and not any(name in rest for name in "省市区州盟"):
        assert {region(start + "某某路" + rest, level) for level in ("province", "city")} <= known
