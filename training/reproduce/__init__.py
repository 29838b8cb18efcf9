"""One command a table: what was logged is read, what is missing is trained."""
