"""Who calls: service tokens and what they reach."""
