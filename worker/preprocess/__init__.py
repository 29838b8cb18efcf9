"""Pure functions between decoded frames and model tensors, shared by training and serving."""
