"""Experiments over the pipeline: defined by differences, run by DVC, read from its commits."""
