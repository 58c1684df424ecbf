"""Notices: what is sent, and how answers and receipts are read."""
