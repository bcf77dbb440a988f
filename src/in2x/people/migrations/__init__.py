"""How the tables came to be as they are: alembic's folder, run whenever a store is opened."""
