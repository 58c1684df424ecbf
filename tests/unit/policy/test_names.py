"""Names of fields that look personal."""

import pytest

from gateway.policy.names import looks_personal


@pytest.mark.parametrize(
    "name",
    [
        *("/name", "/recipient/name", "/firstName", "/user_name", "/phone", "/phoneNumber"),
        *("/mobile", "/address/city", "/addr2", "/email", "/e/mail", "/id_card", "/idCard"),
        *("/birthday", "/dateOfBirth", "/client/ip", "/IP", "/ip_address", "/device_id"),
        *("/gps/lat", "/bank-card", "/WeChat", "phone", "x-device-id"),
        *("/姓名", "/收货人/电话", "/收货地址", "/身份证号", "/用户昵称"),
    ],
)
def test_names_of_personal_things_are_seen(name):
    """Common names of personal fields are seen in several spellings and languages (C1)."""
    assert looks_personal(name)


@pytest.mark.parametrize(
    "name",
    [
        *("/sku", "/items/*/quantity", "/description", "/shipment", "/status", "/amount_fen"),
        *("/page", "/language", "/campaign", "/receipt", "/tips", "accept-language", "/订单号"),
    ],
)
def test_other_names_are_left_alone(name):
    """A word inside a word is no hint: a description is no IP address."""
    assert not looks_personal(name)
