"""What must arrive of a JSON body, by the contract (§6, §7) alone; nothing of the gateway is used."""

import json
from decimal import Decimal


class Refused(Exception):
    """Nothing arrives; the arguments are the codes of which the answer has one."""


class Members(list):
    """The members of an object as they came, repeated keys too."""


def read(body, room=64):
    """Numbers become `("number", exact value)`; exponents of more than 17 digits are too much."""
    numbers = dict.fromkeys(("parse_int", "parse_float"), lambda text: ("number", Decimal(text)))
    try:  # parse_constant: NaN is no integer, so it fails
        raw = json.loads(body.decode(), object_pairs_hook=Members, parse_constant=int, **numbers)
        return checked(raw, room)
    except (ValueError, RecursionError) as error:
        raise Refused("body-malformed", "body-too-deep") from error


def checked(value, room):
    if isinstance(value, str):
        value.encode()  # fails for half of a surrogate pair
    if isinstance(value, list) and not room:
        raise Refused("body-too-deep")
    if isinstance(value, Members):
        return {checked(key, room): checked(item, room - 1) for key, item in value}
    return [checked(item, room - 1) for item in value] if isinstance(value, list) else value


def let_out(send, body):
    """The document that arrives. `send`: the selectors, each with whether it is required."""
    document, wrong = read(body), set()
    if not isinstance(document, dict | list):
        raise Refused("field-type-mismatch")
    left = below(document, [(one.split("/")[1:], must) for one, must in send.items()], wrong)
    if wrong:
        raise Refused(*wrong)
    return left[0] if left else type(document)()


def below(value, ways, wrong):
    """What is left of `value` in a list, or nothing. `ways`: the rest of each selector."""
    names = {at: {str(at), "*"} for at in range(len(value))} if isinstance(value, list) else {}
    if isinstance(value, dict):  # `*` is no member's name
        names = {key: {key.replace("~", "~0").replace("/", "~1")} - {"*"} for key in value}
    reached = {name for step in names for name in names[step]}
    if any(must and ts and ts[0] not in reached and "*" not in ts for ts, must in ways):
        wrong.add("required-field-missing")
    if not isinstance(value, dict | list):
        return [value for tokens, _ in ways if not tokens]
    if any(must for tokens, must in ways if not tokens):
        wrong.add("field-type-mismatch")
    then = {step: [(ts[1:], m) for ts, m in ways if ts and ts[0] in n] for step, n in names.items()}
    left = {step: out for step in names for out in below(value[step], then[step], wrong)}
    return [left if isinstance(value, dict) else list(left.values())] if left else []
