"""Options of the test run."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--update-goldens", action="store_true", help="write the goldens anew; say why in the commit")


@pytest.fixture
def update_goldens(request):
    return request.config.getoption("--update-goldens")
