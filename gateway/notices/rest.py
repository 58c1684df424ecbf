"""
The protocol `rest`: a recipient's own interface, as its manifest declares it
(contract §7, §9; docs/protocols/rest.md).

    submit     the declared request; with `{reference}` one of each of the recipient's ids
    poll       where declared, whether what was not done at once is done now

How far each request is stands in the memory, a letter for each; only where all are
done is the notice. That an answer completes it needs the manifest's own word for it
(`response_completes`), and is shown as what it is: a response.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from gateway.model.recipients import RestRequest
from gateway.notices.base import (
    AT_ONCE,
    NOT_FOUND,
    REST,
    Answered,
    CannotCarry,
    Dialect,
    Heard,
    Interpreted,
    Memory,
    Request,
    Settles,
    Telling,
)
from gateway.notices.rest_answers import (
    RETRY,
    TO_TELL,
    WAITING,
    Said,
    kept_value,
    meaning,
    summed_up,
)
from gateway.notices.stamps import stamp
from gateway.notices.webhook import retry_after
from gateway.policy.templates import (
    CHANGES,
    KEPT,
    PSEUDONYM,
    REFERENCE,
    REFERENCES,
    filled,
    list_named,
    names_in,
)

SUBMIT: Final = "submit"
POLL: Final = "poll"

_ACCEPT = ("accept", "application/json")

_SAID = "said"
_ASKED = "asked"
_KEPT = "kept-"
# Whoever answers so, or names a time, wants to be left alone with all of it.
_LEAVE_ALONE = (429, 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """Which request is next: of which of the recipient's ids, and whether it only asks."""

    kind: str
    place: int
    said: str
    """A letter for each request, as they stand before this step."""


def prepare(telling: Telling) -> Request:
    """The next request. Raises `CannotCarry` where the notice does not fit the template."""
    terms, step = _terms(telling), _step(telling)
    values = _values(telling, step.place)
    if step.kind == POLL and terms.poll is not None:
        values[KEPT] = telling.memory.get(f"{_KEPT}{step.place}", "")
        url = _url(telling, terms.poll.path, values)
        return Request(method="GET", url=url, headers=(_ACCEPT,), body=None, kind=POLL)
    key = telling.notice if len(step.said) == 1 else f"{telling.notice}-{step.place}"
    headers: tuple[tuple[str, str], ...] = (_ACCEPT, ("idempotency-key", key))
    body = None
    if terms.body is not None:
        headers = (("content-type", "application/json"), *headers)
        body = json.dumps(_written(terms.body, values, _lists(telling))).encode("ascii")
    url = _url(telling, terms.path, values)
    return Request(method=terms.method, url=url, headers=headers, body=body, kind=SUBMIT)


def interpret(telling: Telling, answered: Answered) -> Interpreted:
    """What an answer means, by the manifest's own table."""
    terms, step = _terms(telling), _step(telling)
    answers = terms.answers
    if step.kind == POLL and terms.poll is not None:
        answers = terms.poll.answers
    word = meaning(answers, answered.status, answered.body)
    if word is None:
        return Interpreted(event=Heard.GONE, reason="gone")
    if word == RETRY:
        return _not_taken(telling, step, answered)
    # A poll that says no more than that it was read changes nothing.
    unsaid = step.kind == POLL and word == Said.SENT
    letter = step.said[step.place] if unsaid else Said(word).value
    memory = dict(telling.memory)
    if step.kind == SUBMIT and terms.keep is not None and word in WAITING:
        kept = kept_value(answered.body, terms.keep)
        if kept is None:
            return _not_taken(telling, step, answered)
        memory[f"{_KEPT}{step.place}"] = kept
    return _went_on(terms, step, letter, memory)


def _went_on(terms: RestRequest, step: _Step, letter: str, memory: dict[str, str]) -> Interpreted:
    """After a request that was answered: the next one, or what all of them come to."""
    said = _with(step, letter)
    memory |= {_SAID: said, _ASKED: str(step.place + 1)}
    if _more(step, said):
        return Interpreted(event=Heard.ATTEMPTED_OK, memory=memory, follow_up=AT_ONCE)
    return _whole(terms, said, memory)


def _not_taken(telling: Telling, step: _Step, answered: Answered) -> Interpreted:
    """
    This request is made again later; the others are made first, unless the
    recipient wants to be left alone.
    """
    pause = retry_after(answered.headers, answered.at)
    reason = f"http-{answered.status}"
    said = _with(step, Said.FAILED) if step.kind == SUBMIT else step.said
    memory = {**telling.memory, _SAID: said, _ASKED: str(step.place + 1)}
    leave_alone = pause is not None or answered.status in _LEAVE_ALONE
    if not leave_alone and _more(step, said):
        return Interpreted(event=None, memory=memory, reason=reason, follow_up=AT_ONCE)
    return Interpreted(event=None, memory=_anew(memory), retry_after=pause, reason=reason)


def _with(step: _Step, letter: str) -> str:
    return step.said[: step.place] + letter + step.said[step.place + 1 :]


def _more(step: _Step, said: str) -> bool:
    """Whether another request of this round is left."""
    if step.kind == SUBMIT:
        return TO_TELL in said
    return any(letter in WAITING for letter in said[step.place + 1 :])


def _anew(memory: Memory) -> dict[str, str]:
    """The memory at the end of a round: what was not taken is to be told."""
    said = memory[_SAID].replace(Said.FAILED, TO_TELL)
    return {**{name: value for name, value in memory.items() if name != _ASKED}, _SAID: said}


def _whole(terms: RestRequest, said: str, memory: dict[str, str]) -> Interpreted:
    """What all requests of a notice come to, once each was made."""
    if Said.FAILED in said:
        return Interpreted(event=None, memory=_anew(memory), reason="partly")
    event = summed_up(said)
    waits = terms.poll is not None and any(letter in WAITING for letter in said)
    every = terms.poll.every if terms.poll is not None and waits else None
    nobody = set(said) == {Said.NOT_FOUND.value}
    return Interpreted(
        event=event,
        reason=NOT_FOUND if nobody else None,
        memory=_anew(memory),
        follow_up=every,
    )


def _terms(telling: Telling) -> RestRequest:
    terms = telling.deletion.requests.get(telling.action)
    if terms is None:
        raise CannotCarry("the manifest declares no request for this action")
    return terms


def _step(telling: Telling) -> _Step:
    count = _count(_terms(telling), telling)
    said = telling.memory.get(_SAID, "")
    # Another number of ids than before is another notice: it is told from its beginning.
    said = said if len(said) == count else TO_TELL * count
    if TO_TELL in said:
        return _Step(kind=SUBMIT, place=said.index(TO_TELL), said=said)
    waiting = [place for place in range(count) if said[place] in WAITING]
    start = int(telling.memory.get(_ASKED, "0"))
    place = next((one for one in waiting if one >= start), waiting[0] if waiting else count - 1)
    # Where there is nothing to ask, a recipient that is told once more is told the last again.
    asks = _terms(telling).poll is not None and bool(waiting)
    return _Step(kind=POLL if asks else SUBMIT, place=place, said=said)


def _count(terms: RestRequest, telling: Telling) -> int:
    """How many requests a notice is. Raises `CannotCarry` where they would name nobody."""
    named = {*names_in(terms.path), *names_in(terms.body)}
    told = telling.told
    if told.only_references and PSEUDONYM in named:
        raise CannotCarry("the notice means some records only, and the request names the person")
    if not told.references and (REFERENCE in named or PSEUDONYM not in named):
        raise CannotCarry("the recipient gave no id of its own that the request could name")
    return len(told.references) if REFERENCE in named else 1


def _values(telling: Telling, place: int) -> dict[str, str]:
    references = telling.told.references
    return {
        REFERENCE: references[place] if place < len(references) else "",
        PSEUDONYM: telling.told.pseudonym,
        "notice": telling.notice,
        "action": telling.action.value,
        "deadline": stamp(telling.deadline),
        "issuer": telling.issuer,
        "receipts": telling.receipts_url,
    }


def _lists(telling: Telling) -> dict[str, list[str]]:
    told = telling.told
    return {
        REFERENCES: list(told.references),
        "purposes": list(told.purposes),
        "categories": list(told.categories),
        CHANGES: [one.value or "" for one in told.changes],
    }


def _url(telling: Telling, path: str, values: Mapping[str, str]) -> str:
    used = {name: values[name] for name in names_in(path)}
    # A segment of dots would name another record, or all of them.
    if any(value in ("", ".", "..") for value in used.values()):
        raise CannotCarry("an id of the recipient cannot stand in a path")
    encoded = {name: quote(value, safe="") for name, value in used.items()}
    return (telling.deletion.url or "").rstrip("/") + filled(path, encoded)


def _written(template: Any, values: Mapping[str, str], lists: Mapping[str, list[str]]) -> Any:
    """A JSON template with everything in its place."""
    if isinstance(template, str):
        name = list_named(template)
        return lists[name] if name is not None else filled(template, values)
    if isinstance(template, Mapping):
        return {key: _written(member, values, lists) for key, member in template.items()}
    if isinstance(template, list | tuple):
        return [_written(element, values, lists) for element in template]
    return template


DIALECT: Final = Dialect(
    name=REST,
    prepare=prepare,
    interpret=interpret,
    settles=Settles.RESPONSE,
    remembers=True,
)
