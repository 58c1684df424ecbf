"""
Fakes that behave, and builders of something valid.

Ships with the product, because `gateway demo` needs recipients as much as the
tests do. Everything here listens on loopback only.

    authority      a small certificate authority
    behaviour      the ways in which a recipient can misbehave
    builders       manifests, homes and service tokens
    client         the app's side of the gateway's internal listener
    clock          a clock that stands still until told otherwise
    copies         what a recipient keeps of what it was given
    gateway_keys   the gateway's public keys, as a recipient gets hold of them
    keys           a recipient's key pairs
    listener       the HTTP server under a recipient
    notices        the desk of a recipient that is told to delete
    numbered       what a recipient answers by default
    partner        a whole recipient
    people         synthetic people
    ports          ports that nothing else takes
    processes      how the product is started as a process of its own
    random         bytes that come out the same each time
    received       a share as a recipient got it
    search         marked values in any encoding, in memory or on disk
    server         the real gateway as a process of its own
    traffic        what an app would send about a person
    witness        a witness of the ledger
"""
