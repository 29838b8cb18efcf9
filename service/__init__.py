"""The HTTP gateway, its client and the `madv` command: knows HTTP and the queue, no video."""
