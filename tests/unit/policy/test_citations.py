"""Who cites which promise."""

from gateway.model.policy import Promise
from gateway.policy.citations import citations_of

PROMISES = {id: Promise(id=id, text="t", status="kept") for id in ("S4", "S4a", "T1-3", "P1")}


def test_rules_and_comments_cite():
    """A clause under `clauses:`, or in a comment, is a citation; a word in the text is none."""
    found = citations_of(
        {
            "policies/grounds.yaml": b"a: {clauses: [S4a, T1-3]}\ntitle: about P1\n",
            "partners/a.yaml": b"# as agreed (S4a)\nx: 'P1'  # why: T1-3, not P12\n",
        },
        PROMISES,
    )
    assert found == {
        "S4a": ("partners/a.yaml", "policies/grounds.yaml"),
        "T1-3": ("partners/a.yaml", "policies/grounds.yaml"),
    }


def test_a_promise_does_not_cite_itself():
    """The list of promises is no evidence that they are kept."""
    assert citations_of({"policies/promises.yaml": b"# S4a\n"}, PROMISES) == {}
