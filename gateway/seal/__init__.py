"""
Sealing and signing: what binds a share to one recipient and one purpose.

    context    what a seal is bound to
    jwk, keys  one key; a partner's public keys; the gateway's own
    envelope   compact JWE for a partner (FORMAT.md)
    jws        compact JWS, signed and checked
    terms      the Sharing-Grant, Content-Digest
    webhooks   signatures of notices
    pseudonym  names that two partners cannot compare
    storage    sealing for the gateway's own store

Everything here is pure. Randomness is an argument, `random`: so many
unpredictable bytes, never the same twice.
"""
