"""What forks begin with: the application's code, and the modules that they run, loaded once."""

from sqlalchemy.orm import configure_mappers

import benchmarks.job_child
import benchmarks.post_child
import benchmarks.probe
import benchmarks.survey_child
import benchmarks.trial_child  # noqa: F401 - loaded for those who are forked
from marketplace.app import all_tasks

all_tasks()
configure_mappers()
