"""
May it leave? One share, decided.

    routing    method and path -> the declared routes, their parameters
    engine     the checks in their order of precedence
    explain    the same checks, told one by one
    cases      decisions as data, run against a loaded policy

and one file for each group of checks: `subjects` `recipients` `purposes`
`grounds` `evidence` `minors` `consent` `borders`. All of it is pure: the same
arguments give the same answer, and the time is an argument.
"""
