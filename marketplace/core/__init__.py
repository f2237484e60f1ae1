"""What every package stands on: database, clock, money, ids, errors, events, states, jobs, ports.

Owns no table of the domain and knows no web framework. Everything here is small enough to read
before using it.
"""
