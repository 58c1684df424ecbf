"""Which protocol carries what."""

import pytest

from gateway.cases.states import Event
from gateway.model.cases import Action
from gateway.model.recipients import Deletion, RestRequest
from gateway.notices.base import CARRIES, SPOKEN, Heard, Request, carried, terms_for
from gateway.notices.dialects import DIALECTS
from gateway.policy.manifests import PROTOCOLS

URL = "https://api.swift-parcel.example/privacy/notices"


def test_every_protocol_of_a_manifest_is_in_the_table() -> None:
    """There is no protocol that a manifest may name and nobody knows what to do with."""
    assert set(CARRIES) == set(PROTOCOLS)
    assert set(CARRIES) >= SPOKEN


def test_what_answers_say_are_events_of_a_notice() -> None:
    """Everything that an answer can mean is an event by the same word."""
    for heard in Heard:
        assert Event(heard) == heard
        assert Event(heard) is Event[heard.name]


@pytest.mark.parametrize("action", list(Action))
def test_webhooks_carry_every_action(action: Action) -> None:
    """A recipient with the default protocol is told of everything by it."""
    deletion = Deletion(protocol="standard-webhooks", url=URL)

    assert carried(deletion, action) == "standard-webhooks"


def test_every_spoken_protocol_has_its_program() -> None:
    """What a manifest is promised to be told by is there, under the same name."""
    assert set(DIALECTS) == SPOKEN
    for name, dialect in DIALECTS.items():
        assert dialect.name == name
        assert dialect.actions == CARRIES[name]


@pytest.mark.parametrize("protocol", sorted(set(CARRIES) - SPOKEN))
def test_what_is_not_spoken_is_told_by_a_person(protocol: str) -> None:
    """A recipient whose protocol is not carried is a person's task, and not forgotten."""
    assert carried(Deletion(protocol=protocol, url=URL), Action.ERASE) == "manual"


def test_an_interface_carries_what_its_manifest_declares() -> None:
    """Of protocol rest each action is carried that has a request, and no other."""
    erase = RestRequest(method="DELETE", path="/records/{reference}")
    deletion = Deletion(protocol="rest", url=URL, requests={Action.ERASE: erase})

    assert carried(deletion, Action.ERASE) == "rest"
    assert carried(deletion, Action.RECTIFY) == "manual"


def test_what_a_protocol_cannot_say_goes_by_its_fallback() -> None:
    """A recipient is told of a correction by the webhook that its manifest names for it."""
    webhook = Deletion(protocol="standard-webhooks", url=f"{URL}/other")
    deletion = Deletion(protocol="ddrf", url=URL, fallback="standard-webhooks", fallback_to=webhook)

    assert carried(deletion, Action.ERASE) == "ddrf"
    assert carried(deletion, Action.RECTIFY) == "standard-webhooks"
    assert terms_for(deletion, Action.RECTIFY) is webhook
    assert (
        carried(Deletion(protocol="ddrf", url=URL, fallback="manual"), Action.RECTIFY) == "manual"
    )


def test_without_an_address_a_person_tells() -> None:
    """A recipient that has no manifest any more, or no address, is told by a person."""
    assert carried(None, Action.ERASE) == "manual"
    assert carried(Deletion(protocol="standard-webhooks"), Action.ERASE) == "manual"


def test_older_protocols_have_words_for_erasure_only() -> None:
    """What a protocol cannot say is not put into its mouth."""
    for protocol in ("ddrf", "opendsr"):
        assert CARRIES[protocol] == {Action.ERASE}


def test_a_request_does_not_print_what_it_says() -> None:
    """A request in a log line or a traceback gives nothing away."""
    shown = repr(Request(url=URL, headers=(("webhook-id", "x"),), body=b"zhang"))

    assert "zhang" not in shown
    assert URL in shown
