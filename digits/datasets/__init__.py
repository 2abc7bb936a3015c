"""Data sets: fetched from mirrors or taken from the user, and read."""
