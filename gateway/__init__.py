"""
The data-sharing gateway.

An async proxy between an app and its partners. It lets out the declared
minimum, seals it for one recipient and one purpose, records who got what in a
ledger before the first byte leaves, and tells every recipient when a person
deletes their data.
"""

__version__ = "0.1.0"
