"""The filter: what leaves, and what comes back."""
