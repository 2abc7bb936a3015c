"""Reproducible training, comparison and serving of handwritten-digit recognisers."""
