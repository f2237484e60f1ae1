"""A trainee's pages: the profile, and rotations from the kept seat on."""
