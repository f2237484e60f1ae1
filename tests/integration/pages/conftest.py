from tests.factories.people import people  # noqa: F401 - a fixture
from tests.factories.rotations import live_stage, stage  # noqa: F401 - fixtures
from tests.integration.pages.hosting import base, host, place  # noqa: F401 - fixtures
from tests.integration.pages.schooling import (  # noqa: F401 - fixtures
    anybody,
    coordinator,
    desk,
    school,
)
