"""Things that tests need made; each refuses to work outside its fixture."""
