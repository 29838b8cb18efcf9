"""Generator, networks, losses, training, evaluation and export. The only part that needs torch."""
