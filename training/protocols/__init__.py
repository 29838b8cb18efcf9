"""Evaluation protocols: who is trained on, who is tested, and what may not leak."""
