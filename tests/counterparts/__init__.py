"""Others, written from their specifications alone: nothing here imports the gateway."""
