"""A mail server that delivers nothing: it keeps what it is given, for people and tests to read.

Owns a folder of messages, one `.eml` file each, written to disk before the sender is told that
the mail was taken. Promises to serve them as JSON and as pages on the loopback interface, and to
let a client wait for a message to an address. Refuses to run a message's scripts or to load
what it refers to.
"""
