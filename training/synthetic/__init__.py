"""The micro-expression generator: portraits moved by the AU displacements of a 3D face."""
