"""The rules of sharing, transfer and public disclosure, taken out (S, T, D)."""

from gateway.decide import covering, evidence
from gateway.decide.consent import Lack
from gateway.flows import affected, incoming
from gateway.policy import check_fields
from tests.promises.removal import Removal
from tests.promises.taking import (
    answering,
    blind_to_lack,
    fencing_nobody,
    telling_of_every_demand,
    told_as_warnings,
    without_check,
)
from tests.promises.whole import added, put, removed

COURIER = "partners/swift-parcel.yaml"
CATEGORIES = "policies/categories.yaml"
GROUNDS = "policies/grounds.yaml"
KINDS = "policies/recipients.yaml"
PURPOSES = "policies/purposes.yaml"

SHARING = (
    Removal(
        clause="S1",
        what="no ground is asked for",
        take=without_check("ground"),
        stories=("no_ground_outside_the_list_of_the_purpose_carries",),
        cases=("refuses a ground that the purpose does not list",),
    ),
    Removal(
        clause="S1",
        what="no evidence is asked for",
        take=without_check("evidence"),
        stories=("a_ground_needs_its_evidence",),
        cases=(
            "refuses a service that nobody shows to have been asked for",
            "refuses a dispute that is claimed and on no file",
        ),
    ),
    Removal(
        clause="S1",
        what="no consent is asked for",
        take=without_check("consent"),
        stories=("without_consent_nothing_leaves_for_advertising",),
        cases=(
            "does not advertise without consent",
            "does not carry one purpose on the consent to another",
        ),
    ),
    Removal(
        clause="S1",
        what="a service uses any ground that the purpose lists",
        take=answering(incoming, "may_use_ground", None),
        stories=("a_service_uses_only_the_grounds_of_its_token",),
    ),
    Removal(
        clause="S2",
        what="nobody is told who must be asked again",
        take=answering(affected, "to_ask", []),
        stories=("who_must_be_asked_again_is_listed",),
    ),
    Removal(
        clause="S2",
        what="a consent holds for every version of its purpose",
        take=blind_to_lack(Lack.STALE),
        stories=("an_affiliate_that_changes_its_purpose_asks_again",),
        cases=("does not carry an affiliate's changed purpose on the consent to the old one",),
    ),
    Removal(
        clause="S3",
        what="without consent a partner gets whatever its manifest declares",
        edits=(removed(KINDS, "kinds", "partner", "categories_without_consent"),),
        stories=(
            "a_partner_gets_no_name_without_consent",
            "a_manifest_that_gives_a_partner_more_is_not_accepted",
        ),
        cases=(
            "does not let a partner have name and address without consent",
            "gives a partner no name without consent, masked or not",
        ),
    ),
    Removal(
        clause="S3",
        what="a path serves any purpose",
        take=without_check("purpose"),
        stories=("what_is_declared_for_one_purpose_is_not_carried_for_another",),
        cases=("refuses another version of the purpose than the route declares",),
    ),
    Removal(
        clause="S4a",
        what="nobody who acts on our instructions needs an agreement",
        edits=(put(KINDS, "kinds", "processor", "agreement", to=False),),
        stories=("an_agreement_ends_by_itself",),
        cases=(
            "is refused from the first second of the day on which the agreement expires",
            "is refused while no agreement is on file",
        ),
    ),
    Removal(
        clause="S4b",
        what="the courier may pass data on, and keep it for years",
        edits=(
            put(COURIER, "agreement", "onward", to=["island-post"]),
            put(COURIER, "routes", "create-shipment", "retention", to="3650d"),
        ),
        stories=("each_share_carries_its_instructions",),
        cases=("tells the courier to delete after thirty days and to pass nothing on",),
    ),
    Removal(
        clause="S4c",
        what="the courier gets the masked number instead of a token",
        edits=(
            put(
                *(COURIER, "routes", "arrange-callback", "send", "/phone", "transform"),
                to="mask-phone",
            ),
        ),
        stories=("a_token_is_used_in_our_own_house",),
        cases=("gives a token for a telephone number, which works at the gateway only",),
    ),
    Removal(
        clause="S4c",
        what="a deletion leaves tokens as they were",
        take=fencing_nobody,
        stories=("a_token_is_good_for_its_purpose_and_dies_with_the_person",),
    ),
    Removal(
        clause="S4d",
        what="a telephone number is not graded sensitive",
        edits=(removed(CATEGORIES, "categories", "basic", "contains", "phone", "sensitive"),),
        stories=("a_manifest_that_lets_a_number_out_raw_is_not_accepted",),
        cases=("lets the courier read no telephone number",),
    ),
    Removal(
        clause="S4d",
        what="what leaves raw is only warned of",
        take=told_as_warnings(check_fields, "_sensitive"),
        stories=("a_manifest_that_lets_a_number_out_raw_is_not_accepted",),
        cases=("lets out no number of a card as it is",),
    ),
    Removal(
        clause="S5",
        what="protecting rights carries what is commercial",
        edits=(
            removed(GROUNDS, "grounds", "rights-protection", "commercial"),
            added(PURPOSES, "purposes", "advertising", "grounds", item="rights-protection"),
        ),
        stories=("protecting_rights_never_earns",),
        cases=("never advertises in the name of protecting rights",),
    ),
    Removal(
        clause="S5",
        what="a case may be claimed that nobody registered",
        edits=(removed(GROUNDS, "grounds", "rights-protection", "registered"),),
        stories=("a_case_is_registered_and_not_merely_claimed",),
        cases=("refuses a fraud case that nobody registered",),
    ),
    Removal(
        clause="S6",
        what="a branch needs an agreement of its own",
        edits=(removed(KINDS, "kinds", "branch", "agreement"),),
        stories=("a_branch_needs_no_agreement_of_its_own",),
        cases=(
            "shares an order with a branch of the same application without a separate agreement",
        ),
    ),
    Removal(
        clause="S6",
        what="advertising is open to branches",
        edits=(added(PURPOSES, "purposes", "advertising", "kinds", item="branch"),),
        stories=("a_branch_gets_the_same_purposes_and_no_others",),
        cases=("shares nothing with a branch for a purpose that is not open to branches",),
    ),
    Removal(
        clause="T1-3",
        what="the core function carries a transfer",
        edits=(added(PURPOSES, "purposes", "business-transfer", "grounds", item="core-function"),),
        stories=("a_transfer_has_its_own_grounds",),
        cases=("transfers nothing on a ground that transfers do not have",),
    ),
    Removal(
        clause="T1-3",
        what="a transfer is recorded as any share",
        edits=(removed(PURPOSES, "purposes", "business-transfer", "leaf"),),
        stories=("a_transfer_is_recorded_as_one",),
        cases=(
            (
                "transfers to a new holder that accepted this edition, on the agreement with the "
                "person"
            ),
        ),
    ),
    Removal(
        clause="T4",
        what="a new holder need not accept the edition",
        edits=(
            removed(KINDS, "kinds", "successor", "accepts_edition"),
            removed("partners/new-horizon.yaml", "accepted_edition"),
        ),
        stories=("a_holder_that_does_not_accept_asks_again",),
        cases=("transfers nothing on the agreement to a holder that is bound by another edition",),
    ),
    Removal(
        clause="D1",
        what="the core function shows people to the public",
        edits=(added(PURPOSES, "purposes", "public-display", "grounds", item="core-function"),),
        stories=("what_a_person_did_not_choose_is_not_shown",),
        cases=(
            "shows nothing to the public on another ground than the person's choice or the law",
        ),
    ),
    Removal(
        clause="D1",
        what="who agreed to show one thing agreed to all",
        take=answering(covering, "covered", None),
        stories=("what_a_person_chose_is_one_field_and_not_the_next",),
        cases=("shows to the public the one thing that the person chose, and not the other",),
    ),
    Removal(
        clause="D1",
        what="a public disclosure is recorded as any share",
        edits=(removed(PURPOSES, "purposes", "public-display", "leaf"),),
        stories=("what_a_person_chose_is_shown_and_recorded_as_public",),
        cases=("shows to the public what the person chose to show",),
    ),
    Removal(
        clause="D2",
        what="an authority's demand need not be registered",
        edits=(
            removed(KINDS, "kinds", "authority", "registered_demand"),
            removed(GROUNDS, "grounds", "legal-obligation", "registered_kinds"),
        ),
        stories=("an_authority_without_a_registered_demand_gets_nothing",),
        cases=("gives an authority nothing on an order that is not on file",),
    ),
    Removal(
        clause="D2",
        what="a demand does not limit what leaves",
        take=answering(evidence, "limit", None),
        stories=("an_authority_gets_what_its_demand_names_sealed",),
        cases=(
            "seals for an authority everything that its demand names, and gives it nothing else",
        ),
    ),
    Removal(
        clause="D2",
        what="what goes to an authority need not be sealed",
        edits=(removed(KINDS, "kinds", "authority", "sealed"),),
        take=told_as_warnings(check_fields, "_sensitive"),
        stories=("an_authority_gets_nothing_unsealed",),
        cases=("sends an authority nothing that is not sealed",),
    ),
    Removal(
        clause="D2",
        what="a demand that may not be told is told",
        take=telling_of_every_demand,
        stories=("a_demand_that_may_not_be_told_stays_out_of_the_account",),
    ),
)
