"""Who is who: accounts, memberships, trainee profiles, API keys, and the e-mails that they get.

Owns the account and everything by which a caller is recognised, the applicant facts that other
packages judge by, and the log of every notice. Promises that a role is a membership that was
granted by somebody at some time, that a revoked one counts from that moment, that a change of
password ends every token and session, and that no answer tells whether an address has an account.
Refuses to know what an account does elsewhere: sites, bookings and letters ask this package.
"""
