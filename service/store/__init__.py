"""Everything the gateway keeps in Redis; with the queue, the only place that talks to it."""
