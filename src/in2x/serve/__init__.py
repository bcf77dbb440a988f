"""`in2x serve`: one engine behind the interfaces that existing clients speak."""
