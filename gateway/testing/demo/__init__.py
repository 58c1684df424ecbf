"""
The demonstration: a day of sharing on realistic traffic, told and checked.

`story.tell` makes a home, starts recipients and the real gateway, lets some
services send what they send about some dozens of people, then lets one of the
people be deleted while shares of theirs are on their way, and looks each time
whether what the gateway promises is true. What it says it has checked: every
claim is an expression over what recipients hold, what the app got, and what
the ledger says, and one that is false makes the whole story fail.

    people_in_it  who the people are and what they agreed to
    recipients    who receives, with certificates, keys and secrets of their own
    house         everything that runs, and how it ends
    registering   recording consents, minors and court orders
    plan          what the services send, and what should become of it
    traffic       sending it
    documents     JSON as a list of its values
    manifests     what a manifest declares, read without the gateway's own reader
    minimum       what arrived, compared with what was declared and sent
    beside        one share, as sent and as received
    refusals      shares that may not leave
    account       one person's disclosures, compared with what recipients hold
    audit         the ledger, exported and checked by a process of its own
    proof         one leaf's way to the signed root

    leaver        who leaves, and what recipients hold of them
    troubles      how the recipients are on that day
    asking        what would happen, and the deletion, with shares in flight
    watching      a case as it goes on, by its events
    notified      what recipients were told
    settling      what only a person can settle; the case closes
    gone          what is left of the person, at recipients and here
    certified     the certificate, before somebody who has the public keys
    tokens        signed tokens, read with a signature function
    lasting       the ledger afterwards: what was proven stays proven

    story         the order of the first half
    leaving       the order of the second
    sabotage      what makes the demonstration fail, on purpose
    told          what was told so far, and the stages
    waiting       until something is so
    processes     commands run beside the story
    claims        what was claimed, and whether it holds
    screen        how it looks on a terminal
    staying       what to try while it stays up
"""
