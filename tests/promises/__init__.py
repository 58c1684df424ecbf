"""The promises of the contract, kept and refused over real HTTP."""
