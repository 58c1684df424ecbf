"""What a person does about a notice that no program brings further (contract §9; R3)."""

from typing import Final

from gateway.cases.states import GONE
from gateway.model.cases import Notice, NoticeState

_S = NoticeState

BY_HAND: Final = "tell this recipient by hand (gateway case letter), then resolve it"
SILENT: Final = "it does not acknowledge: ask this recipient, then wait, retry or resolve"
_ADVICE: Final = {
    _S.PARTIAL: "a part is left: ask when that is done, then wait, or resolve it with evidence",
    _S.REFUSED: "it was refused: answer this recipient, then retry, or resolve it with evidence",
    _S.FAILED: "it was never reached: find another way, then retry or resolve it with evidence",
    _S.OVERDUE: "it is late: ask this recipient, then wait, retry, or resolve it with evidence",
    _S.COMPLETED: "a share arrived late: tell this recipient once more (retry), or resolve it",
}
ADDRESS_GONE: Final = "its address is gone: have the manifest changed, then retry, or resolve it"


def advice(notice: Notice) -> str:
    """One sentence in words of the commands. Of a notice that is no task it means nothing."""
    if notice.state is _S.FAILED and notice.reason == GONE:
        return ADDRESS_GONE
    if notice.state is _S.QUEUED and notice.next_at is None:
        return BY_HAND
    return _ADVICE.get(notice.state, SILENT)
