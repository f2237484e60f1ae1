"""Who read and did what, and what each person agreed to.

Owns: the audit trail and consents by purpose. Promises: both are added to and never changed; a
consent that was withdrawn counts from that moment on, and as of an earlier date it still counted.
Refuses: to decide what a consent is needed for, and to keep secrets or documents in an entry.
"""
