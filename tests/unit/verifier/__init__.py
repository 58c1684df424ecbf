"""The separate verifier: certificates. Its checks of a ledger stand beside the ledger's own."""
