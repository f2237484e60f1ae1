"""The process that runs a periodic job once: the application and the job, as a worker has them.

`python -m benchmarks.job_child PLAN` runs the `task` that the plan names to its end and prints
seconds and CPU.
"""

import json
import resource
import sys
import time
from pathlib import Path

from config.settings import load
from marketplace.app import create_app, worker_context


def main(name: str) -> None:
    """Run the job once, to its end."""
    job, tasks = worker_context(create_app(load()))
    (task,) = (one for one in tasks if one.name == name)
    used = resource.getrusage(resource.RUSAGE_SELF)
    before, began = used.ru_utime + used.ru_stime, time.perf_counter()
    task.run(job)
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seconds": round(seconds, 2),
                "cpu_seconds": round(used.ru_utime + used.ru_stime - before, 2),
            }
        )
    )


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text())["task"])
