"""Whether results are those of the code, and whether everything is in order."""
