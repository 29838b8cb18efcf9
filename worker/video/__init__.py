"""Clips in and out of files. PyAV lives here and nowhere else."""
