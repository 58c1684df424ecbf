"""What keeps people's rights, taken out (R, A)."""

from gateway.flows import cases as flows_cases
from gateway.flows import corrections, planning, refusing, withdrawals
from gateway.policy import check_routes
from tests.promises.removal import Removal
from tests.promises.taking import (
    answering,
    answering_late,
    backups_forgotten,
    blind_to_withdrawals,
    both,
    calling,
    doing_nothing,
    fencing_nobody,
    told_as_warnings,
    without_check,
)
from tests.promises.whole import put, removed

COURIER = "partners/swift-parcel.yaml"
PURPOSES = "policies/purposes.yaml"
RIGHTS_YAML = "policies/rights.yaml"

RIGHTS = (
    Removal(
        clause="R1",
        what="a route about somebody may be called one about nobody",
        edits=(put(COURIER, "routes", "create-shipment", "subject", to={"from": "none"}),),
        take=told_as_warnings(check_routes, "_subject"),
        stories=("what_nobody_could_be_told_of_does_not_leave",),
        cases=("accepts no manifest that takes an address to be about nobody",),
    ),
    Removal(
        clause="R2",
        what="a deletion stops nothing",
        take=both(without_check("erased", "restricted"), fencing_nobody),
        stories=("each_reason_of_a_deletion_works",),
        cases=(
            (
                "carries nothing of a person from the moment on when the account's deletion was "
                "asked for"
            ),
            "carries nothing inside a part that is being deleted",
        ),
    ),
    Removal(
        clause="R1",
        what="a correction tells nobody",
        take=doing_nothing(corrections, "corrected", corrections.Corrected()),
        stories=("a_correction_reaches_who_has_the_old_value",),
    ),
    Removal(
        clause="R1",
        what="a correction tells more than its recipient had",
        take=calling(corrections, "formed", lambda gateway, partner, form, value: f'"{value}"'),
        stories=("a_correction_reaches_who_has_the_old_value",),
    ),
    Removal(
        clause="R2",
        what="a restriction fences nothing",
        take=answering(flows_cases, "fence_of", None),
        stories=("a_restriction_holds_until_it_is_lifted",),
    ),
    Removal(
        clause="R7",
        what="a request may be refused on any ground",
        take=answering(refusing, "check_ground", None),
        stories=("a_request_is_refused_on_a_stated_ground_alone",),
    ),
    Removal(
        clause="R3",
        what="nobody is told",
        take=answering(planning, "plan", ()),
        stories=(
            "everyone_who_got_the_data_is_told_to_delete_it",
            "an_exemption_is_on_record_with_its_evidence",
        ),
    ),
    Removal(
        clause="R4",
        what="whoever has completed has settled, backups or not",
        take=backups_forgotten,
        stories=("backups_keep_a_case_open_until_they_are_cleaned",),
    ),
    Removal(
        clause="R5",
        what="advertising does not count as sale",
        edits=(removed(PURPOSES, "purposes", "advertising", "sale"),),
        stories=("an_objection_stops_what_counts_as_sale",),
        cases=(
            (
                "refuses advertising while the request says that the person objects to sale and "
                "sharing"
            ),
            "refuses advertising while an objection to sale is on record",
        ),
    ),
    Removal(
        clause="R5",
        what="a withdrawal is forgotten",
        take=blind_to_withdrawals,
        stories=("what_is_switched_off_stops_with_the_next_share",),
        cases=("is not revived by an older consent that is recorded later",),
    ),
    Removal(
        clause="R5",
        what="a withdrawal tells nobody",
        take=doing_nothing(withdrawals, "read_plan", ()),
        stories=("a_withdrawal_tells_who_rested_on_it",),
    ),
    Removal(
        clause="R6",
        what="a person may wait for three hundred days",
        edits=(put(RIGHTS_YAML, "default_days", to=300),),
        take=answering_late,
        stories=("a_request_is_verified_first_and_answered_in_thirty_days",),
    ),
    Removal(
        clause="A1",
        what="who deleted the account is shared as before",
        take=both(without_check("erased"), fencing_nobody),
        stories=("from_the_deletion_of_the_account_on_nothing_leaves",),
        cases=(
            (
                "carries nothing of a person from the moment on when the account's deletion was "
                "asked for"
            ),
            "carries nothing of a deleted person to anybody, consent or not",
        ),
    ),
)
