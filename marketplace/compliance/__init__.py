"""Who read and did what, what each person agreed to, and the documents that hosts ask for.

Owns: the audit trail; consents by purpose; requirement sets of sites and listings; trainees'
documents from the upload to the decision; affiliation agreements of schools and sites; the rules by
which somebody is cleared for a stay.
Promises: audit entries, consents, requirement sets, versions
of documents and decisions are added to and never changed; a document's content is sealed under a
key of its own and read by nobody without a grant, once a link, with an entry in the trail.
Refuses: to know bookings. It speaks of holders, sites, days, and references that mean nothing to it.
"""
