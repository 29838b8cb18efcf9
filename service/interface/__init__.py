"""The description of the HTTP interface: what FastAPI cannot tell of itself, as data."""
