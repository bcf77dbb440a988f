"""What goes into a run: the user's files, or the micro-world."""
