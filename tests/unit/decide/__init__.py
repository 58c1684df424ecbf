"""May it leave: routing, decisions, their explanation, their cases."""
