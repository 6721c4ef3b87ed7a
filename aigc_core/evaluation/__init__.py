"""Measures by an independent judge: a classifier trained on real data only."""
