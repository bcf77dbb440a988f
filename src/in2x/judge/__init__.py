"""A language model that judges: asked until its answer can be read."""
