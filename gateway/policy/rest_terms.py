"""The requests of a recipient's own interface, as a manifest writes them (protocol `rest`)."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.model.cases import Action
from gateway.model.recipients import Deletion, RestAnswers, RestPoll, RestRequest
from gateway.policy.reading import Node, maybe, read_or
from gateway.policy.selectors import EACH, parse_selector
from gateway.policy.templates import (
    KEPT,
    LISTS,
    PSEUDONYM,
    REFERENCE,
    REFERENCES,
    SCALARS,
    list_named,
    names_in,
)
from gateway.policy.words import instead, listed, named

METHODS: Final = ("DELETE", "POST", "PUT", "PATCH", "GET")
MEANINGS: Final = ("acknowledged", "in-progress", "completed", "not-found", "refused", "retry")
COMPLETING: Final = ("completed", "not-found")
"""What only counts where the manifest says `response_completes: true`."""

_REQUEST = ("method", "path", "body", "answers", "says", "keep", "poll")
_POLL = ("path", "every", "answers", "says")
_STATUS = re.compile(r"[2-5](?:[0-9]{2}|xx)")
_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2}|\{[a-z]+\})*")


def read_requests(node: Node) -> dict[Action, RestRequest]:
    """The request of each action that is declared."""
    fields = node.fields([action.value for action in Action])
    if not fields and isinstance(node.value, dict) and not node.value:
        node.wrong("no request is declared, write erase: {method: DELETE, path: …}")
    read = {Action(key): _read_request(member) for key, member in fields.items()}
    return {action: request for action, request in read.items() if request is not None}


def _read_request(node: Node) -> RestRequest | None:
    fields = node.fields(_REQUEST, required=("method", "path"))
    body = fields["body"].value if "body" in fields else None
    request = RestRequest(
        method=read_or(fields, "method", lambda word: word.choice(METHODS), ""),
        path=read_or(fields, "path", _read_path, ""),
        body=body,
        answers=_read_answers(fields),
        keep=maybe(fields, "keep", _read_pointer),
        poll=maybe(fields, "poll", _read_poll),
    )
    if not request.method or not request.path:
        return None
    _check_names(fields, request)
    _check_kept(fields, request)
    return request


def _read_path(node: Node) -> str | None:
    text = node.text()
    if text is not None and not _PATH.fullmatch(text):
        node.wrong(f'"{node.key}" is a path, write it as /records/{{reference}}')
        return None
    return text


def _read_pointer(node: Node) -> str | None:
    text = node.text()
    if text is None:
        return None
    try:
        if EACH not in parse_selector(text):
            return text
        node.wrong(f'"{node.key}" names one value, write it without *')
    except ValueError as error:
        node.wrong(str(error))
    return None


def _read_answers(fields: Mapping[str, Node]) -> RestAnswers:
    says = maybe(fields, "says", _read_says)
    pointer, values = says if says is not None else (None, {})
    statuses = maybe(fields, "answers", lambda node: _meanings(node, _is_status)) or {}
    return RestAnswers(statuses=statuses, pointer=pointer, values=values)


def _read_says(node: Node) -> tuple[str | None, dict[str, str]]:
    fields = node.fields(("at", "values"), required=("at", "values"))
    values = maybe(fields, "values", lambda node: _meanings(node, lambda key: None)) or {}
    return maybe(fields, "at", _read_pointer), values


def _meanings(node: Node, wrong: Callable[[str], str | None]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, member in node.members().items():
        advice = wrong(key)
        if advice is not None:
            member.misnamed(f"{named(key)} {advice}")
            continue
        word = member.choice(MEANINGS)
        if word is not None:
            found[key] = word
    return found


def _is_status(key: str) -> str | None:
    return None if _STATUS.fullmatch(key) else 'is no status of an answer, write "204" or "2xx"'


def _read_poll(node: Node) -> RestPoll | None:
    fields = node.fields(_POLL, required=("path", "every"))
    path = read_or(fields, "path", _read_path, "")
    every = maybe(fields, "every", Node.duration)
    answers = _read_answers(fields)
    if not answers.statuses and answers.pointer is None:
        node.misnamed('nothing that it answers would mean anything, write "says" or "answers"')
    return RestPoll(path=path, every=every, answers=answers) if path and every else None


def _check_names(fields: Mapping[str, Node], request: RestRequest) -> None:
    """Each `{…}` is known where it stands, and together they say who is meant."""
    _check_known(fields["path"], request.path, SCALARS)
    if "body" in fields:
        if request.method == "GET":
            fields["body"].misnamed("a GET has no body, write another method, or remove it")
        for text in _texts(request.body):
            known = (*SCALARS, *LISTS) if list_named(text) else SCALARS
            _check_known(fields["body"], text, known)
    used = {*names_in(request.path), *names_in(request.body)}
    if not used & {REFERENCE, REFERENCES, PSEUDONYM}:
        fields["path"].wrong(
            "nothing says who is meant, write {reference}, {pseudonym} or {references} (R3)"
        )
    if {REFERENCE, REFERENCES} <= used:
        fields["path"].wrong("one request for each {reference}, or one for all {references}")


def _check_known(node: Node, text: str, known: tuple[str, ...]) -> None:
    for name in names_in(text):
        if name in LISTS and name not in known:
            node.wrong(f'{{{name}}} is a list, write it alone as a value of the body: "{{{name}}}"')
        elif name not in known:
            node.wrong(f"{named('{' + name + '}')} is not known here, {instead(name, known)}")


def _check_kept(fields: Mapping[str, Node], request: RestRequest) -> None:
    poll = request.poll
    if poll is None:
        if request.keep is not None:
            fields["keep"].misnamed('"keep" is for a poll, write one with {kept}, or remove it')
        return
    known = (*SCALARS, KEPT) if request.keep is not None else SCALARS
    for name in names_in(poll.path):
        if name == KEPT and KEPT not in known:
            fields["poll"].wrong("{kept} is nothing, write keep: /pointer to it in the answer")
        elif name not in known:
            fields["poll"].wrong(f"{{{name}}} is not known here, write {listed(known)}")
    if REFERENCE in names_in(poll.path) and REFERENCE not in {
        *names_in(request.path),
        *names_in(request.body),
    }:
        fields["poll"].wrong("{reference} is one of many, and the request is one for all of them")


def _texts(template: Any) -> list[str]:
    if isinstance(template, str):
        return [template]
    if isinstance(template, Mapping):
        return [text for member in template.values() for text in _texts(member)]
    if isinstance(template, list | tuple):
        return [text for element in template for text in _texts(element)]
    return []


def check_answers(deletion: Deletion, fields: Mapping[str, Node]) -> None:
    """What the terms need besides: requests, and the manifest's own word for completion."""
    if "requests" not in fields:
        fields["protocol"].warn(
            "nothing is declared to be sent and a person tells this recipient, write "
            "requests: {erase: {method: DELETE, path: …}} (R3)"
        )
        return
    words = {
        word
        for request in deletion.requests.values()
        for answers in (request.answers, request.poll.answers if request.poll else RestAnswers())
        for word in (*answers.statuses.values(), *answers.values.values())
    }
    if words & set(COMPLETING) and not deletion.response_completes:
        fields["requests"].wrong(
            f"an answer means {listed(sorted(words & set(COMPLETING)))}, which counts only where "
            "the manifest says so, write response_completes: true, or in-progress"
        )
    if deletion.response_completes and deletion.requests and not words & set(COMPLETING):
        fields["response_completes"].wrong(
            "no answer means completed, write it in answers: or says:, or remove this"
        )
