"""Rules as pure functions: letters, Match fields, the questionnaire."""
