"""A clip with a known answer, made at run time."""
