"""One running product for all end-to-end tests of a run."""

from collections.abc import Iterator

import pytest

from tests.e2e.site import Site


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    try:
        yield site
    finally:
        site.stop()


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """The product, with nothing left to go wrong from the test before."""
    yield running_site
    running_site.calm()
