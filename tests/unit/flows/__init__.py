"""What flows keep between requests."""
