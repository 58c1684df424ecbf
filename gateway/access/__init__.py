"""
Who calls, and whether they may ask for that (P3, P5).

    keys      public keys of an issuer, from a JWK Set
    services  service tokens: verify one, make one (contract §5)
    scopes    what a verified service may ask for
    cache     tokens that were verified already

Pure: the time and the keys are arguments. Nothing here prints a token.
"""
