"""A raw data set: which files it holds, and how they become images and labels."""
