"""`bodies.py` for Hypothesis, which then can make smaller what it found."""

from typing import Any

from hypothesis import strategies as st

from tests.fuzz import bodies

_RANDOM = st.randoms(use_true_random=False, note_method_calls=False)


@st.composite
def sends(draw: st.DrawFn) -> dict[str, bool]:
    """The selectors of a route, each with whether it is required."""
    random: Any = draw(_RANDOM)
    return bodies.selectors(random)


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, bool], bytes]:
    """The selectors of a route, and a body that may lead some of them somewhere."""
    send = draw(sends())
    random: Any = draw(_RANDOM)
    return send, bodies.body(random, list(send))
