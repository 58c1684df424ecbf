"""Implementations of the store port. They share a conformance suite and no code."""
