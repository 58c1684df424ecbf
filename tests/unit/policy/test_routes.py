"""One route by itself."""

from datetime import timedelta

import pytest

from gateway.model.recipients import ReceivedFile, Seal, SubjectFrom, SubjectPlace
from gateway.policy.routes import parameters_of, shape_of
from tests.unit.policy.builders import (
    COURIER,
    changed,
    courier,
    default_policies,
    load,
    messages,
    route,
)


def within(lines: str, *changes: tuple[str, str]) -> str:
    """A valid manifest whose route has these further lines."""
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    return courier(("    send:", f"{indented}    send:"), *changes)


def test_a_route_says_what_leaves_for_what():
    """Method, path, purpose with its version, ground and retention (S3, P6)."""
    found = route(COURIER)
    assert (found.id, found.partner, found.method) == ("create-parcel", "courier", "POST")
    assert found.path == ("v2", "parcels")
    assert (found.purpose, found.purpose_version) == ("order-fulfilment", 1)
    assert (found.ground, found.retention) == ("core-function", timedelta(days=30))
    assert found.seal is Seal.NONE
    assert found.receive is None


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("/", ("",)),
        ("/v2/parcels/", ("v2", "parcels", "")),
        ("/v2/a%20b/c:d", ("v2", "a%20b", "c:d")),
        ("/~user/(x)", ("~user", "(x)")),
    ],
)
def test_paths_stand_as_written(path, segments):
    """A path is split at its slashes and nothing in it is normalised."""
    assert route(courier(("/v2/parcels", path))).path == segments


@pytest.mark.parametrize(
    "path",
    [
        *("/v2/./x", "/v2/%2e%2E/x", "/v2/a%2Fb", "/v2/a%5cb", "/v2/a%0ab", "/v2/%zz", "/v2/a b"),
        *("/v2/é", "/v2/{}", "/v2/{a b}", "/v2/{1}", "/v2/x}", "//x"),
    ],
)
def test_treacherous_paths_are_told(path):
    """Dots, encoded slashes, controls and half parameters do not load."""
    assert messages(courier(("POST /v2/parcels", f"'POST {path}'"))) != []


def test_templates_have_parameters_and_a_shape():
    """Two templates of one shape match the same paths, whatever their parameters are called."""
    assert parameters_of(("v2", "{a}", "x", "{b}")) == ("a", "b")
    assert shape_of(("v2", "{a}")) == shape_of(("v2", "{b}")) != shape_of(("v2", "a"))


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("{from: header}", SubjectPlace(source=SubjectFrom.HEADER)),
        ("header", SubjectPlace(source=SubjectFrom.HEADER)),
        ("{from: /buyer/id}", SubjectPlace(source=SubjectFrom.POINTER, name="/buyer/id")),
        ("{from: '/people/*/id'}", SubjectPlace(source=SubjectFrom.POINTER, name="/people/*/id")),
    ],
)
def test_the_person_is_named_in_a_place(written, place):
    """The app names the person in a header, by a pointer, in the path, or not at all."""
    assert route(within(f"subject: {written}")).subject == place


def test_the_person_may_be_a_path_parameter():
    """The person may be named by a parameter of the path."""
    text = within(
        "subject: {from: path.id}\npath: {id: {category: network.account}}",
        ("/v2/parcels", "/v2/{id}"),
    )
    assert route(text).subject == SubjectPlace(source=SubjectFrom.PATH, name="id")


def test_nobody_is_named_where_nothing_is_about_anybody():
    """Without personal fields nobody needs to be named."""
    text = within(
        "subject: {from: none}", ("{category: transaction.order}", "{category: statistics}")
    )
    assert route(text).subject.source is SubjectFrom.NONE


def test_parameters_are_declared_each_in_its_place():
    """Path, query and header parameters are fields too; headers count in lower case."""
    found = route(
        within(
            "path: {id: {category: transaction.order}}\n"
            "query: {page: {category: none, type: integer}}\n"
            "headers: {Accept-Language: {category: none}}",
            ("/v2/parcels", "/v2/{id}"),
        )
    )
    assert found.path_fields["id"].category == "transaction.order"
    assert found.query_fields["page"].type == "integer"
    assert found.header_fields["accept-language"].selector == "accept-language"
    assert len(found.fields()) == 4


def test_further_settings_are_read():
    """Seal, idempotency, limits, response headers and files are read."""
    text = within(
        "idempotency: X-Request-Id\nbody_limit: 64KiB\n"
        "receive: {content: Application/PDF, max: 5MB}\nreceive_headers: [X-Total, x-total]"
    )
    found = route(text)
    assert found.idempotency == "X-Request-Id"
    assert found.body_limit == 65536
    assert found.receive == ReceivedFile(content="application/pdf", max_bytes=5_000_000)
    assert found.receive_headers == ("x-total",)


def test_a_bulk_route_has_a_batch_size():
    """A bulk route says how many records go into one batch."""
    text = within(
        "bulk: {records: 500}\nsubject: {from: /buyer}\nreceive: {/parcel: {reference: true}}"
    )
    assert route(text).bulk_records == 500


@pytest.mark.parametrize(
    "header", ["Host", "Sharing-Purpose", "content-length", "Authorization", "Content-Digest", "TE"]
)
def test_headers_of_the_gateway_cannot_be_declared(header):
    """What the gateway or the connection writes, an app cannot have sent along."""
    (message,) = messages(within(f"headers: {{{header}: {{category: none}}}}"))
    assert "is written by the gateway or stays here" in message


@pytest.mark.parametrize("version", ["", "@0", "@01", "@x", "@-1", "@2"])
def test_a_purpose_has_a_version_that_exists(version):
    """Only the version that the policy states carries shares (C6, S2)."""
    assert len(messages(courier(("order-fulfilment@1", f"order-fulfilment{version}")))) == 1


def test_an_older_version_loads_with_a_warning():
    """One manifest behind the policy does not stop all others; its shares are refused (S2)."""
    policies = default_policies()
    policies["purposes.yaml"] = changed(
        policies["purposes.yaml"].decode(), ("version: 1", "version: 2")
    ).encode()
    (warning,) = load(COURIER, policies=policies).warnings
    assert 'version 1 of "order-fulfilment" is over' in warning.message
