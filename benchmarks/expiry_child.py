"""The process that gives up what has ended: the application and the job, as a worker has them.

`python -m benchmarks.expiry_child PLAN` prints seconds and CPU of one run of the job.
"""

import json
import resource
import time

from config.settings import load
from marketplace.app import create_app, job_context
from marketplace.booking.tasks import expire_holds


def main() -> None:
    """Run the job once, to its end."""
    job = job_context(create_app(load()))
    used = resource.getrusage(resource.RUSAGE_SELF)
    before, began = used.ru_utime + used.ru_stime, time.perf_counter()
    expire_holds(job)
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
    main()
