"""One file per model: what it is fed and how its answer is read."""
