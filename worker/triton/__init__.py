"""Backends that run the models of `model_repo`. tritonclient lives here and nowhere else."""
