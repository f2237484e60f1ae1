"""The storm: many clients at once, processes killed at random, and every promise looked at after."""
