"""Each protocol of notices, through a running gateway and a counterpart that is none of it."""
