"""Human judgement: campaigns, the page people judge on, the store, and what follows from their answers."""
