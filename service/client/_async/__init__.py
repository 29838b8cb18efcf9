"""The client as it is written: asynchronous. Its synchronous twin is generated from it."""
