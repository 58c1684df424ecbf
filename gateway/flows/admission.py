"""Whether a share may be sent now, before anything is recorded of it."""

from math import ceil

from gateway.errors import CallerError, Reason
from gateway.flows.gateway import Gateway
from gateway.model.recipients import Partner
from gateway.ports import NotNow, Permit


def admitted(gateway: Gateway, partner: Partner) -> Permit:
    """
    Leave to send one share to a partner, as far as memory and its manifest allow.

    Raises `CallerError` (`rate-limited`): the caller is asked to wait.
    """
    if gateway.in_flight >= gateway.config["limits.shares"]:
        raise CallerError(
            Reason.RATE_LIMITED, "too many shares are in flight at once", retry_after=1
        )
    permit = gateway.egress.admit(partner)
    if isinstance(permit, NotNow):
        raise CallerError(
            Reason.RATE_LIMITED, f"{partner.id}: {permit.why}", retry_after=_whole(permit)
        )
    return permit


def check_alone(permit: Permit) -> None:
    """
    Raise `CallerError` (`partner-unreachable`) where the partner is left alone for a
    while. Nothing was tried; the answer says when it is worth trying.
    """
    told = permit.begin()
    if told is not None:
        seconds = _whole(told)
        raise CallerError(
            Reason.PARTNER_UNREACHABLE,
            told.why,
            remedy=f"Try again in {seconds} s; nothing is sent to it before. If it lasts, "
            "check the partner's address and the egress settings.",
            retry_after=seconds,
        )


def _whole(told: NotNow) -> int:
    return max(1, ceil(told.seconds))
