"""The memory of this process, which has the product's own libraries in it and no others.

Tools of development bring some that libraries load where they find them. Who imports this module
before the product is without them, as an installed product is.
"""

import sys
from pathlib import Path

from benchmarks.processes import DEVELOPMENT_ONLY

sys.modules.update(dict.fromkeys(DEVELOPMENT_ONLY))  # type: ignore[arg-type] # None: not to be found


def peak_memory() -> int:
    """Bytes of this process's largest resident set so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("the kernel does not tell the peak of memory")
