"""The networks. Each takes uint8 crops as served: all normalisation travels in the graph."""
