"""What every HTTP route shares: the transaction at the edge, problems, parsing, pages, idempotency.

Promises that a request commits once or not at all, that an error is a problem document (RFC 9457)
and never half an effect, and that a POST with an `Idempotency-Key` takes effect once. Knows no
domain; owns the table of remembered answers.
"""
