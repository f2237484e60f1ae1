"""A marketplace for hands-on clinical rotations in the United States.

Each package says in its docstring what it owns, what it promises and what it refuses.
The order in which they may know of each other is written, and enforced, in `pyproject.toml`.
"""

import atexit
import gc

# A start makes some hundred thousand objects that live as long as the process: looking for rings
# of garbage among them costs a twelfth of its time and finds none. A request makes a few thousand
# that mostly die by themselves, so a process that serves looks now and then.
WHILE_STARTING = (400_000, 20, 100)
WHILE_SERVING = (20_000, 20, 100)
gc.set_threshold(*WHILE_STARTING)
# Nor does an end need to look among them, several times over: a command is half a second shorter.
atexit.register(gc.freeze)

__version__ = "0.1.0"
