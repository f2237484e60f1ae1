"""What is said of a rotation: papers, evaluations, attestations, letters, Match outcomes, the survey.

Owns the tables of these. Promises: a waived letter is out of its trainee's reach by any route; the
waiver never changes once the letter exists; a confirmed letter stays as it is; a person has one
outcome record a Match year, corrected by appending; a page opened in a survey records nothing; an
older tab never overwrites a newer answer; a paper stays as it was issued; no host reads a safety
report.
Refuses to judge: rates, tests and suppression are `reporting`'s.
"""
