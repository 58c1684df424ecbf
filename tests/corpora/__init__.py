"""Labelled texts, and how well free text is searched (`python -m tests.corpora.measure`)."""
