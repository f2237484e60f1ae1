"""The numeric libraries take seconds to load; no single example is to blame for that."""

from importlib.resources import files

import pytest
from hypothesis import settings

from marketplace.reporting.rules.benchmarks import Benchmark, read_benchmarks
from marketplace.reporting.rules.panel import PanelRow, read_panel

settings.register_profile("loading", deadline=None)
settings.load_profile("loading")
DATA = files("marketplace.reporting") / "data"


@pytest.fixture(scope="session")
def registry() -> list[Benchmark]:
    with (DATA / "match_benchmarks.csv").open(encoding="utf-8") as source:
        return read_benchmarks(source)


@pytest.fixture(scope="session")
def sample() -> list[PanelRow]:
    with (DATA / "sample_panel.csv").open(encoding="utf-8") as source:
        return read_panel(source)
