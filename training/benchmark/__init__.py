"""Synthetic benchmark v1: frozen clips of disjoint identities on two tracks."""
