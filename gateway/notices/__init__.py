"""Notices: what a recipient is told and what it answers, in the words of each protocol."""
