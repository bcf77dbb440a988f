"""What every server of ours puts before its requests and its pages."""
