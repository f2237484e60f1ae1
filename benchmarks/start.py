"""Start: CPU to import the application, to answer first; what a web process must not load."""

import sys
from collections.abc import Iterator

from benchmarks.figures import Figure, Target, least
from benchmarks.processes import DEVELOPMENT_ONLY, last_line
from benchmarks.stage import Stage

HEAVY = ("scipy", "numpy", "polars", "altair", "pyreadstat", "xlsxwriter", "typst", "statsmodels")

_USED = f"""
import json, resource, sys
def used():
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_utime + now.ru_stime
# Only tools of development bring these; libraries that find them load them as well.
sys.modules.update(dict.fromkeys({DEVELOPMENT_ONLY!r}))
began = used()
"""
_PRODUCT = f"""{_USED}
import marketplace.app
import config.settings
imported = used()
from wsgi import app
made = used()
statuses = [app.test_client().get(path).status_code for path in ("/healthz", "/api/v1/listings")]
answered = used()
print(json.dumps({{
    "import": imported - began, "make": made - imported, "answer": answered - made,
    "statuses": statuses, "modules": sorted({{name.partition(".")[0] for name in sys.modules}}),
    "loaded": len(sys.modules),
}}))
"""
_LIBRARIES = f"""{_USED}
import flask, flask_smorest, marshmallow, flask_security, sqlalchemy.orm, psycopg
import sqlalchemy.dialects.postgresql.psycopg, procrastinate, stripe, redis
print(json.dumps({{"import": used() - began}}))
"""


def run(stage: Stage) -> Iterator[Figure]:
    """Import and answer in fresh processes; the least counts, with the bytecode cached as it is installed."""
    with stage.database("start") as conninfo:
        environment = stage.environment(conninfo)
        product, libraries = [], []
        for _ in range(stage.sizes.imports):
            product.append(last_line([sys.executable, "-c", _PRODUCT], environment))
            libraries.append(last_line([sys.executable, "-c", _LIBRARIES], environment))
    last = product[-1]
    heavy = [name for name in HEAVY if name in last["modules"]]
    yield Figure(
        "start.import",
        least(found["import"] for found in product),
        "CPU seconds",
        "importing the libraries alone",
        least(found["import"] for found in libraries),
        Target("value", "below", 1.0),
        {"modules": last["loaded"], "all": [round(found["import"], 3) for found in product]},
    )
    yield Figure(
        "start.heavy_modules",
        len(heavy),
        "modules",
        target=Target("value", "at most", 0),
        detail={"loaded": heavy, "looked_for": list(HEAVY), "statuses": last["statuses"]},
    )
    yield Figure(
        "start.first_answers",
        least(found["make"] + found["answer"] for found in product),
        "CPU seconds",
        detail={
            "create_app": round(least(found["make"] for found in product), 3),
            "two_requests": round(least(found["answer"] for found in product), 3),
        },
    )
