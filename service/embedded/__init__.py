"""The whole service on one machine as child processes: no Docker, no GPU, one data folder."""
