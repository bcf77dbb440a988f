"""The interfaces of others, each a router on the engine, with its own shapes of answers and errors."""
