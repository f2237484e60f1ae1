"""The process that runs a periodic job once: the application and the job, as a worker has them.

`python -m benchmarks.job_child PLAN` runs the `task` that the plan names to its end, with the
`arguments` that it gives, and prints seconds, CPU, and the peak of memory before and after.
"""

import json
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.memory import peak_memory
from config.settings import load
from marketplace.app import create_app, worker_context


def main(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Run the job once, to its end."""
    job, tasks = worker_context(create_app(load()))
    (task,) = (one for one in tasks if one.name == plan["task"])
    used, resident = resource.getrusage(resource.RUSAGE_SELF), peak_memory()
    before, began = used.ru_utime + used.ru_stime, time.perf_counter()
    task.run(job, **plan.get("arguments", {}))
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime - before, 2),
        "before": resident,
        "peak": peak_memory(),
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(Path(sys.argv[1]).read_text()))))
