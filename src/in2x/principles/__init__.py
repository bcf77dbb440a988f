"""Principles: sentences about a good answer, each with a way to check it."""
