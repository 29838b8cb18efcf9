"""How gateway and worker tell of themselves: figures, traces, logs. Shared by both, and light."""
