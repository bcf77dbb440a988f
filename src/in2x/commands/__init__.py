"""One file a group of commands: options in, rooms called, tables out."""
