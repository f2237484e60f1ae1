"""The zero-install stack: what development, tests and the demo run on.

Owns real servers from wheels (PostgreSQL, Valkey), the Stripe sandbox, a mail sink, and the
supervisor that runs the application beside them. Promises that no process outlives its parent,
not even one killed by -9, that acknowledged data survives it, and that only the loopback
interface is listened on. Refuses to start in production, where the servers are given by URL.
"""
