"""Handwritten digits that no data set holds, made from paths of a pen."""
