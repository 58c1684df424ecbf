"""How a manifest says how its recipient is told (contract §7: `deletion`)."""

import json
from datetime import timedelta
from pathlib import PurePath
from typing import Any

import pytest
from ruamel.yaml import YAML

from gateway.flows.deletion_terms import dumped, loaded
from gateway.model.cases import Action
from gateway.model.recipients import Deletion, RestAnswers, RestPoll, RestRequest
from gateway.policy.documents import scan_document
from gateway.policy.notice_terms import read_terms, ways
from gateway.policy.reading import root_of

REST = """\
protocol: rest
url: https://api.courier.example/v2
response_completes: true
fallback: {protocol: standard-webhooks, url: "https://api.courier.example/hook", secret: env:HOOK}
requests:
  erase:
    method: POST
    path: /erasures/{notice}
    body: {ids: "{references}", who: "{pseudonym}"}
    answers: {"202": acknowledged, "4xx": retry}
    keep: /job/id
    poll:
      path: /erasures/{kept}
      every: 6h
      says: {at: /state, values: {done: completed}}
"""


def read(text: str) -> tuple[Deletion | None, list[str]]:
    """The terms, and what is wrong with them, as `line:column: message`."""
    node, collector = root_of(scan_document("courier.yaml", text.encode()))
    found = read_terms(node, PurePath("/partners"))
    return found, [str(one).removeprefix("courier.yaml:") for one in collector.problems]


def test_an_interface_is_read_as_it_is_written() -> None:
    """Request, answers, poll and fallback, each at its place."""
    found, problems = read(REST)

    assert problems == []
    webhook = Deletion(
        protocol="standard-webhooks", url="https://api.courier.example/hook", secret="env:HOOK"
    )
    poll = RestPoll(
        path="/erasures/{kept}",
        every=timedelta(hours=6),
        answers=RestAnswers(pointer="/state", values={"done": "completed"}),
    )
    request = RestRequest(
        method="POST",
        path="/erasures/{notice}",
        body={"ids": "{references}", "who": "{pseudonym}"},
        answers=RestAnswers(statuses={"202": "acknowledged", "4xx": "retry"}),
        keep="/job/id",
        poll=poll,
    )
    assert found == Deletion(
        protocol="rest",
        url="https://api.courier.example/v2",
        response_completes=True,
        fallback="standard-webhooks",
        fallback_to=webhook,
        requests={Action.ERASE: request},
    )


def test_terms_survive_their_manifest() -> None:
    """A recipient is told in the same way when its manifest is gone."""
    found, _ = read(REST)

    assert loaded(dumped(found)) == found
    assert loaded(dumped(None)) is None


def test_terms_of_an_older_release_are_read() -> None:
    """What was kept before there were interfaces still says how its recipient is told."""
    kept = {
        "protocol": "standard-webhooks",
        "url": "https://api.courier.example/hook",
        "secret": None,
        "fallback": "manual",
        "acknowledge_within": None,
        "complete_within": 86400.0,
    }

    assert loaded(kept) == Deletion(
        protocol="standard-webhooks",
        url="https://api.courier.example/hook",
        fallback="manual",
        complete_within=timedelta(days=1),
    )


def changed(**changes: Any) -> str:
    """The terms above with other members; None leaves one out."""
    value = YAML(typ="safe").load(REST)
    for path, new in changes.items():
        *above, last = path.split("__")
        place = value
        for name in above:
            place = place[name]
        if new is None:
            del place[last]
        else:
            place[last] = new
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fallback": None}, "rest cannot carry rectify, restrict, unrestrict or withdraw"),
        ({"fallback": "manual", "requests": None}, "nothing is declared to be sent"),
        ({"response_completes": None}, "counts only where the manifest says so"),
        (
            {"requests__erase__poll": None, "requests__erase__keep": None},
            "no answer means completed",
        ),
        ({"requests__erase__poll": None}, '"keep" is for a poll'),
        ({"requests__erase__keep": None}, "{kept} is nothing, write keep: /pointer"),
        ({"requests__erase__path": "erasures"}, '"path" is a path'),
        ({"requests__erase__path": "/x/{subject}"}, '"{subject}" is not known here'),
        ({"requests__erase__path": "/x/{references}"}, "is a list, write it alone"),
        ({"requests__erase__body": {"ids": "x {references}"}}, "is a list, write it alone"),
        ({"requests__erase__body": {"n": 1}}, "nothing says who is meant"),
        ({"requests__erase__path": "/x/{reference}"}, "one request for each {reference}"),
        ({"requests__erase__method": "GET"}, "a GET has no body"),
        ({"requests__erase__answers": {"99": "refused"}}, "is no status of an answer"),
        ({"requests__erase__answers": {"200": "done"}}, '"done" is no value'),
        ({"requests__erase__keep": "/ids/*"}, "names one value, write it without *"),
        ({"requests__erase__poll__says": None}, "nothing that it answers would mean anything"),
        ({"url": "https://api.courier.example/v2?a=1"}, "has a query"),
        ({"fallback": {"protocol": "ddrf", "url": "https://x.example"}}, '"ddrf" is no value'),
        ({"domain": "courier.example"}, "only protocol ddrf or opendsr has domain:, remove it"),
    ],
)
def test_each_mistake_has_its_advice(changes: dict[str, Any], message: str) -> None:
    """What could not be sent, or would mean nothing, does not load."""
    _, problems = read(changed(**changes))

    assert [one for one in problems if message in one], problems


def test_older_protocols_need_a_fallback() -> None:
    """R3: a protocol that only erases does not load without another way for the rest."""
    text = "protocol: ddrf\nurl: https://courier.example\n"

    _, problems = read(text)
    _, none = read(text + "fallback: manual\n")

    advice = (
        "1:11: ddrf cannot carry rectify, restrict, unrestrict or withdraw, write fallback: "
        "manual, or fallback: {protocol: standard-webhooks, url: https://…} (R3)"
    )
    assert [one for one in problems if "cannot carry" in one] == [advice]
    assert not [one for one in none if "cannot carry" in one]


def test_each_other_way_is_said() -> None:
    """`check` says of each recipient and action how it is told where its protocol cannot."""
    found, _ = read("protocol: ddrf\nurl: https://courier.example\nfallback: manual\n")
    manual, _ = read("protocol: manual\n")
    assert found is not None
    assert manual is not None

    assert [one for one in ways("acme", found) if "cannot carry" in one] == [
        f"acme: ddrf cannot carry {action}; goes by manual"
        for action in ("rectify", "restrict", "unrestrict", "withdraw")
    ]
    assert list(ways("acme", manual)) == []
