"""
What goes on beside requests, in one TaskGroup: sequencing, the courier, sweeping.

Each worker stops when asked and finishes the write it began.
"""
