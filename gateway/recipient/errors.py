"""
The one exception of the kit, and the closed list of its codes.

A message names a header, a claim or a member and the rule it broke. It holds
no value, so it may go into a log as it is.
"""

CODES = {
    "argument-invalid": "an argument is not of the kind the function takes",
    "header-repeated": "a header came twice, and it is unclear which one counts",
    # the grant
    "grant-missing": "there is no Sharing-Grant header",
    "grant-invalid": "the grant is malformed, or not signed by a grant key of the gateway",
    "grant-expired": "the grant is over",
    "grant-early": "the grant is from the future; compare the clocks",
    "signing-key-unknown": "the gateway's JWKS has no such key; fetch it again",
    "issuer-mismatch": "it is from another gateway",
    "audience-mismatch": "it is for another recipient",
    "purpose-mismatch": "it is for another purpose",
    "method-mismatch": "the grant is for another HTTP method",
    "target-mismatch": "the grant is for another address",
    "share-mismatch": "header, grant and seal are not of one share",
    "digest-missing": "there is no Content-Digest header with sha-256",
    "digest-mismatch": "the body is not the one that was sent",
    "records-mismatch": "a bulk share has not as many lines as its grant says",
    "replayed": "this grant was used before",
    "replay-store-full": "the replay store is full of grants that still live",
    # own keys
    "keys-malformed": "a key set is not a JWK Set",
    "key-missing": "no own key has the kid that the seal names",
    "key-unusable": "an own key cannot be used for this",
    "key-other-purpose": "the own key is bound to another purpose",
    # the seal
    "sealed-malformed": "it is not a compact JWE as the gateway makes them",
    "header-refused": "the seal's header has a member that is not allowed",
    "algorithm-refused": "the seal uses another algorithm than ECDH-ES with A256GCM",
    "field-mismatch": "the seal is of another field, or of a body",
    "sealed-broken": "the seal does not open: changed, or made for another key",
    # the body
    "body-malformed": "it is not one JSON text in UTF-8 without repeated members",
    "pointer-malformed": "the pointer does not follow RFC 6901",
    "field-missing": "the body has nothing at this pointer",
    # notices and receipts
    "notice-malformed": "it is not a Standard Webhooks message",
    "notice-stale": "the timestamp is too far from now",
    "notice-signature-invalid": "no signature is by a notice key of the gateway",
    "receipt-invalid": "the receipt would say something that the gateway does not accept",
    # proofs
    "proof-malformed": "it is not a tlog-proof of this ledger, or the leaf is no JSON object",
    "proof-broken": "the leaf does not lead to what the gateway signed",
    "redemption-invalid": "the redemption would ask for nothing that the gateway has",
}
"""Every code, and what it means."""


class RecipientError(Exception):
    """
    Something must not be accepted, or cannot be made.

    `code` is one of `CODES` and never changes its meaning; the message is for
    people.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        meaning = CODES[code]
        super().__init__(f"{code}: {detail or meaning}")
        self.code = code
        self.detail = detail or meaning
