"""What every page of the project shares: frame, style, charts, scripts."""
