"""A marketplace for hands-on clinical rotations in the United States.

Each package says in its docstring what it owns, what it promises and what it refuses.
The order in which they may know of each other is written, and enforced, in `pyproject.toml`.
"""

__version__ = "0.1.0"
