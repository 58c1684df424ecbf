"""A request finds the declared route that fits it best, as its path stands."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decide.routing import choose, compile_router, match, reencode
from gateway.model.ids import PurposeId, RouteId
from gateway.model.recipients import Partner, Route
from tests.marks import promise
from tests.unit.decide.builders import a_partner, a_route


def declared(*templates: str) -> Partner:
    """A partner with one route for each `METHOD /path`, named after it."""
    return a_partner(*(route_on(template) for template in templates))


def route_on(template: str, purpose: str = "order-fulfilment") -> Route:
    """A route on `METHOD /path`."""
    method, _, path = template.partition(" ")
    return a_route(
        id=RouteId(template),
        method=method,
        path=tuple(path.removeprefix("/").split("/")),
        purpose=PurposeId(purpose),
    )


def found(partner: Partner, method: str, path: str) -> str | None:
    """The name of the one route that matches."""
    matched = match(partner, method, path)
    return None if matched is None else "|".join(route.id for route in matched.routes)


SHIPMENTS = declared(
    "GET /",
    "POST /v2/shipments",
    "POST /v2/shipments/{reference}",
    "POST /v2/shipments/today",
    "GET /v2/shipments/{reference}/label",
    "PUT /v2/{kind}/today",
    "PUT /v2/shipments/{reference}",
)


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/", "GET /"),
        ("POST", "/v2/shipments", "POST /v2/shipments"),
        ("POST", "/v2/shipments/A-1", "POST /v2/shipments/{reference}"),
        # A literal segment beats a parameter.
        ("POST", "/v2/shipments/today", "POST /v2/shipments/today"),
        ("GET", "/v2/shipments/today/label", "GET /v2/shipments/{reference}/label"),
        # From left to right: the earlier literal wins.
        ("PUT", "/v2/shipments/today", "PUT /v2/shipments/{reference}"),
        ("PUT", "/v2/parcels/today", "PUT /v2/{kind}/today"),
        # Another method, another depth, another word.
        ("DELETE", "/v2/shipments", None),
        ("post", "/v2/shipments", None),
        ("POST", "/v2", None),
        ("POST", "/v2/shipments/A-1/label", None),
        ("PUT", "/v2/parcels/tomorrow", None),
    ],
)
@promise("S3")
def test_the_most_specific_template_matches(method: str, path: str, route: str | None) -> None:
    """Of the declared templates with this method the most specific matches, or none does."""
    assert found(SHIPMENTS, method, path) == route


@pytest.mark.parametrize(
    "path",
    [
        "",
        "v2/shipments",
        "//v2/shipments",
        "/v2//shipments",
        "/v2/shipments/",
        "/./v2/shipments",
        "/v1/../v2/shipments",
        "/V2/shipments",
        "/v2/%73hipments",
        "/v2/shipment%73",
        "/v2%2Fshipments",
        "/v2/shipments?x=1",
        "/v2/shipments#x",
        "/v2/shipments;x=1",
        "/v2\\shipments",
        " /v2/shipments",
    ],
)
@promise("S3")
def test_nothing_is_normalised(path: str) -> None:
    """Another spelling of a declared path is not that path."""
    assert found(declared("POST /v2/shipments"), "POST", path) is None


def test_a_template_may_end_in_a_slash() -> None:
    """A declared closing slash is matched as it stands, and only so."""
    partner = declared("GET /v2/")

    assert found(partner, "GET", "/v2/") == "GET /v2/"
    assert found(partner, "GET", "/v2") is None


ONE = declared("GET /orders/{reference}")


@pytest.mark.parametrize(
    ("segment", "value"),
    [
        ("A-1", "A-1"),
        ("%41-1", "A-1"),
        ("%E6%AC%A7%E9%98%B3", "欧阳"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("50%25", "50%"),
        # Decoded once: what is encoded twice stays encoded.
        ("%252F", "%2F"),
        ("%252e%252e", "%2e%2e"),
        ("a.b", "a.b"),
        (";x=1", ";x=1"),
        ("a\\b", "a\\b"),
    ],
)
def test_a_parameter_is_decoded_once(segment: str, value: str) -> None:
    """What stands in a parameter's place is percent-decoded once, as UTF-8."""
    matched = match(ONE, "GET", f"/orders/{segment}")

    assert matched is not None
    assert matched.params == {"reference": value}


@pytest.mark.parametrize(
    "segment",
    [
        "",
        ".",
        "..",
        "%2e",
        "%2E%2e",
        ".%2E",
        "a..b",
        "..%2F..%2Fadmin",
        "a%2Fb",
        "a%2fb",
        "%00",
        "a%0Ab",
        "%7F",
        "%C2%85",
        "a\tb",
        "%",
        "%4",
        "%zz",
        "100%",
        "%FF",
        "%C3%28",
        "%ED%A0%80",
        "%C0%AF",
        "欧阳",
        "a?b",
        "a#b",
        "a/b",
    ],
)
def test_a_parameter_stays_in_its_segment(segment: str) -> None:
    """What could leave its segment, is not UTF-8 or holds a control matches nothing."""
    assert match(ONE, "GET", f"/orders/{segment}") is None


def test_a_literal_may_look_like_what_a_parameter_may_not() -> None:
    """A declared literal is compared as it stands, and its encoding with it."""
    partner = declared("GET /a%2Fb/{x}")

    assert found(partner, "GET", "/a%2Fb/1") == "GET /a%2Fb/{x}"
    assert found(partner, "GET", "/a%2fb/1") is None


@promise("S3")
def test_routes_on_one_template_are_told_apart_by_purpose() -> None:
    """The path gives the candidates, the purpose chooses, and there may be none for it."""
    partner = a_partner(
        route_on("POST /people/{id}"), route_on("POST /people/{person}", "account-login")
    )
    matched = match(partner, "POST", "/people/7")

    assert matched is not None
    assert matched.params == {"id": "7", "person": "7"}
    chosen = choose(matched.routes, PurposeId("account-login"))
    assert chosen is partner.routes[1]
    assert choose(matched.routes, PurposeId("payment")) is None
    assert choose((), PurposeId("payment")) is None


def test_a_purpose_does_not_find_another_template() -> None:
    """The best template is chosen first; the purpose does not fall back on a lesser one."""
    partner = a_partner(
        route_on("POST /people/new"), route_on("POST /people/{id}", "account-login")
    )
    matched = match(partner, "POST", "/people/new")

    assert matched is not None
    assert choose(matched.routes, PurposeId("account-login")) is None


def test_parameters_named_crosswise_do_not_compile() -> None:
    """Two routes that name one template's parameters the other way round are refused at load."""
    partner = declared("GET /{a}/{b}", "GET /{b}/{a}")

    with pytest.raises(ValueError, match="names a path parameter"):
        compile_router(partner)


def test_a_match_does_not_print_its_parameters() -> None:
    """What the app sent in a path stays out of logs."""
    assert "13800138000" not in repr(match(ONE, "GET", "/orders/13800138000"))


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_some_values_are_no_segment(value: str) -> None:
    """A value that would change the path's shape is not sent."""
    with pytest.raises(ValueError, match="path parameter"):
        reencode(value)


@given(value=st.text())
def test_every_parameter_arrives_as_it_was(value: str) -> None:
    """What matches a parameter is sent on as one segment that decodes to the same value."""
    raw = quote(value, safe="", errors="surrogatepass")
    matched = match(ONE, "GET", f"/orders/{raw}")

    if matched is not None:
        sent = reencode(matched.params["reference"])
        assert matched.params["reference"] == value
        assert unquote(sent, errors="strict") == value
        assert set(sent) <= set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%"
        )
        assert match(ONE, "GET", f"/orders/{sent}") == matched
    else:
        assert not value or any(c in value for c in "/.") or not value.isprintable()


@given(segments=st.lists(st.sampled_from(["a", "b", "{x}"]), min_size=1, max_size=3))
def test_a_declared_template_is_always_found(segments: list[str]) -> None:
    """Whatever else is declared, a path that fits a template finds one that is as specific."""
    named = [f"{{p{place}}}" if each == "{x}" else each for place, each in enumerate(segments)]
    template = "GET /" + "/".join(named)
    others = ["GET /a", "GET /{p0}", "GET /a/b", "GET /a/{p1}", "GET /{p0}/b", "GET /{p0}/{p1}/b"]
    partner = declared(template, *(other for other in others if other != template))

    path = "/" + "/".join("a" if segment == "{x}" else segment for segment in segments)

    assert found(partner, "GET", path) is not None
