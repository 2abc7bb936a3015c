"""Figures, for pictures and for the page alike."""
