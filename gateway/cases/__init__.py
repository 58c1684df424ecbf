"""Cases: what a request to erase means, step by step, until every recipient has settled."""
