"""Tests of the reports: plain values in, values and pages out."""
