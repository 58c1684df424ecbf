"""
Reports: what regulators, auditors and people ask for, as values and as pages.

Each report is a plain function from values to a JSON value, and one from that
value to a page, so that both say the same.
"""
