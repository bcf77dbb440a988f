"""Running programs that nobody has read: their process, the process of their tests, and the walls around both."""
