"""The rules of protection and storage, taken out (P, K)."""

from gateway.access import scopes
from gateway.flows import people, share, terms
from gateway.reports.affected import Question
from gateway.stores.sqlite import cases as case_store
from tests.promises.removal import Removal
from tests.promises.taking import (
    answering,
    believing_every_token,
    doing_nothing,
    logging_as_it_comes,
    sending_at_once,
    storing_as_it_comes,
    trusting_anybody,
    without_check,
)
from tests.promises.whole import put, removed, worded

COURIER = "partners/swift-parcel.yaml"
SHIPMENT = ("routes", "create-shipment", "send")
CATEGORIES = "policies/categories.yaml"

KEEPING = (
    Removal(
        clause="P1",
        what="the other side's certificate is not looked at",
        take=trusting_anybody,
        stories=("who_cannot_prove_itself_by_tls_gets_nothing",),
    ),
    Removal(
        clause="P1",
        what="people are stored as they come",
        take=storing_as_it_comes,
        stories=("what_is_stored_of_a_person_is_encrypted",),
    ),
    Removal(
        clause="P2",
        what="log lines say all that they are given",
        take=logging_as_it_comes,
        stories=("a_mistake_of_the_program_writes_no_value",),
    ),
    Removal(
        clause="P3",
        what="nobody notes who reads",
        take=doing_nothing(people, "record_read"),
        stories=("every_read_of_a_person_is_itself_recorded",),
    ),
    Removal(
        clause="P3",
        what="every token is believed",
        take=believing_every_token,
        stories=("who_has_no_token_gets_nothing",),
    ),
    Removal(
        clause="P4",
        what="a card's number is not graded",
        edits=(
            removed(CATEGORIES, "categories", "transaction", "contains", "payment", "sensitive"),
        ),
        stories=("a_graded_category_is_let_out_raw_by_no_manifest",),
        cases=("lets out no number of a card as it is",),
    ),
    Removal(
        clause="P4",
        what="what is refused leaves no trace",
        take=doing_nothing(share, "record_refusal"),
        stories=("what_is_refused_is_on_record_too",),
    ),
    Removal(
        clause="P5",
        what="a token reaches every partner and purpose",
        take=answering(scopes, "permit", None),
        stories=("a_service_speaks_for_nobody_else",),
    ),
    Removal(
        clause="P6",
        what="the courier gets the gender too, and keeps it for years",
        edits=(
            put(COURIER, *SHIPMENT, "/recipient/gender", to={"category": "basic.gender"}),
            put(COURIER, "routes", "create-shipment", "retention", to="3650d"),
        ),
        stories=("only_what_a_delivery_needs_leaves",),
        cases=(
            "delivers with what a delivery needs and nothing besides, for as long as it needs it",
        ),
    ),
    Removal(
        clause="P6",
        what="nobody is told when a retention ends",
        take=doing_nothing(terms, "end_person", False),
        stories=("a_recipient_is_told_when_its_time_is_over",),
    ),
    Removal(
        clause="P7",
        what="the courier reads the name",
        edits=(removed(COURIER, *SHIPMENT, "/recipient/name", "transform"),),
        stories=("a_courier_reads_no_telephone_number",),
        cases=("delivers with a masked name, a sealed telephone number, and an address",),
    ),
    Removal(
        clause="P8",
        what="the time is not looked at",
        take=answering(Question, "about", True),
        stories=("the_affected_are_listed_exactly",),
    ),
    Removal(
        clause="K1",
        what="no border is looked at",
        take=without_check("border"),
        stories=("no_other_consent_crosses_the_border",),
        cases=(
            "does not deliver abroad without a consent to the crossing",
            "does not take the consent to the purpose for the consent to the crossing",
        ),
    ),
    Removal(
        clause="K1",
        what="data may go where nothing can be enforced",
        edits=(worded("policies/territories.yaml", "KP: {allowed: false}", "KP: {allowed: true}"),),
        stories=("some_territories_get_nothing_whatever_was_agreed",),
        cases=(
            "sends nothing to a territory that the policy does not allow, whatever was agreed to",
        ),
    ),
    Removal(
        clause="K2",
        what="the keys of a deleted person stay",
        take=answering(case_store, "_erase", None),
        stories=("nothing_is_left_that_leads_to_a_deleted_person",),
    ),
    Removal(
        clause="K3",
        what="notices do not wait for the announcement",
        take=sending_at_once,
        stories=("the_end_of_the_service_is_announced_thirty_days_ahead",),
    ),
)
