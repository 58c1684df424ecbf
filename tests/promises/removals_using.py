"""The rules of collecting and using, minors and editions, taken out (C, M, N)."""

from gateway.decide.consent import Lack
from gateway.policy import check_fields, check_rules
from tests.promises.removal import Removal
from tests.promises.taking import (
    blind_to_age,
    blind_to_lack,
    blind_to_withdrawals,
    both,
    fencing_nobody,
    keeping_every_reference,
    passing_everything_back,
    seeing_no_difference,
    told_as_warnings,
    without_check,
)
from tests.promises.whole import added, put, removed

LOGIN = "partners/link-id.yaml"
CATEGORIES = "policies/categories.yaml"
GROUNDS = "policies/grounds.yaml"
KINDS = "policies/recipients.yaml"
PURPOSES = "policies/purposes.yaml"
RIGHTS_YAML = "policies/rights.yaml"

USING = (
    Removal(
        clause="C1",
        what="a field of a kind that the catalog does not name is accepted with a warning",
        take=told_as_warnings(check_fields, "_unknown"),
        stories=("what_has_no_category_is_let_out_by_no_manifest",),
        cases=("lets out nothing of a kind that the policy does not name",),
    ),
    Removal(
        clause="C2",
        what="a password is shareable",
        edits=(
            removed(*(CATEGORIES, "categories", "network", "contains", "password"), "shareable"),
        ),
        take=told_as_warnings(check_rules, "_graded"),
        stories=("a_password_is_let_out_by_no_manifest",),
        cases=(
            "lets out a password to nobody, sealed or not",
            "takes back no password from a third party",
        ),
    ),
    Removal(
        clause="C2",
        what="a nickname is not graded sensitive",
        edits=(
            removed(*(CATEGORIES, "categories", "network", "contains", "nickname"), "sensitive"),
        ),
        stories=("a_nickname_needs_its_own_consent",),
        cases=("does not let a nickname out on a consent that was not to sensitive data",),
    ),
    Removal(
        clause="C3",
        what="a function that was switched off goes on",
        take=blind_to_withdrawals,
        stories=("what_is_switched_off_stops_with_the_next_share",),
        cases=("stops with the first share after the person switched it off",),
    ),
    Removal(
        clause="C3",
        what="the place need not be asked for by itself",
        edits=(removed(PURPOSES, "purposes", "location-services", "separate_consent"),),
        stories=("the_place_is_asked_for_by_itself",),
        cases=("does not use the location on a consent that was given among other things",),
    ),
    Removal(
        clause="C4",
        what="public safety, which lets collect, is on the list of grounds for sharing",
        edits=(
            put(
                *(GROUNDS, "grounds", "public-safety"),
                to={"title": "Public safety", "evidence": False, "clauses": ["C4"]},
            ),
            added(PURPOSES, "purposes", "order-fulfilment", "grounds", item="public-safety"),
        ),
        stories=("what_may_be_collected_is_not_shared_by_that",),
        cases=("refuses public safety as a ground, which allows collecting and not sharing",),
    ),
    Removal(
        clause="C5",
        what="friends and numbers are declared among what comes back",
        edits=(
            put(LOGIN, "routes", "bind-account", "receive", "/phone", to={}),
            put(LOGIN, "routes", "bind-account", "receive", "/friends/*", to={}),
        ),
        stories=("what_comes_back_is_what_was_authorised",),
        cases=("takes back from the place of the other account what was authorised, and no more",),
    ),
    Removal(
        clause="C5",
        what="what comes back is not filtered",
        take=passing_everything_back,
        stories=(
            "what_comes_back_is_what_was_authorised",
            "what_comes_back_otherwise_does_not_pass",
        ),
    ),
    Removal(
        clause="C6",
        what="research is not bound to de-identified data",
        edits=(
            removed(PURPOSES, "purposes", "research", "deidentified"),
            removed(PURPOSES, "purposes", "analytics", "deidentified"),
            removed(KINDS, "kinds", "research", "deidentified"),
        ),
        stories=("research_gets_what_identifies_nobody", "research_gets_no_lasting_id"),
        cases=(
            "gives research no name",
            "gives research no alias by which a person could be followed",
            "gives research no token by which a person could be found again",
            "gives research no fingerprint of a device",
        ),
    ),
    Removal(
        clause="C6",
        what="the institute's own id of a record is kept",
        take=keeping_every_reference,
        stories=("no_id_of_a_record_is_kept_of_research",),
    ),
    Removal(
        clause="C6",
        what="advertising asks for no active choice",
        edits=(removed(PURPOSES, "purposes", "advertising", "active_choice"),),
        stories=("silence_is_no_active_choice",),
        cases=("does not take silence for an active choice",),
    ),
    Removal(
        clause="C7",
        what="use goes on after the account was cancelled",
        take=both(without_check("erased"), fencing_nobody),
        stories=("from_the_deletion_of_the_account_on_nothing_leaves",),
        cases=("stops all use with the account's cancellation, in the branches too",),
    ),
    Removal(
        clause="M1",
        what="a minor agrees as an adult does",
        take=both(without_check("guardian"), blind_to_age),
        stories=("what_a_minor_agrees_to_alone_carries_nothing",),
        cases=(
            "advertises to nobody under 18 who agreed alone",
            "stops when the guardian withdrew",
        ),
    ),
    Removal(
        clause="M2",
        what="the core function carries a minor's share",
        edits=(put(GROUNDS, "grounds", "core-function", "minors", to=True),),
        stories=("the_core_function_does_not_carry_a_minors_order",),
        cases=("does not carry a minor's share on the core function",),
    ),
    Removal(
        clause="M3",
        what="a minor's data is deleted when everybody's is",
        edits=(put(RIGHTS_YAML, "days_by_reason", "minor-without-consent", to=30),),
        stories=("what_is_held_of_a_minor_without_consent_goes_first",),
    ),
    Removal(
        clause="N1",
        what="an edition may let more out on the consents of before",
        take=blind_to_lack(Lack.WIDENED),
        stories=("a_wider_edition_asks_again",),
        cases=(
            "does not carry on an older consent what a new edition lets out for the first time",
        ),
    ),
    Removal(
        clause="N2",
        what="a comparison of two editions sees no difference",
        take=seeing_no_difference,
        stories=("what_an_edition_changes_can_be_read",),
    ),
)
