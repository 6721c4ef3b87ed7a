"""Speeds, compared within one run; each benchmark prints its figures as JSON on the last line."""
