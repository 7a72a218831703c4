"""Options of the test run."""

import os

import pytest

# A bug shows its traceback in every test, and in the processes that tests start.
os.environ["CORRUPTGEN_DEBUG"] = "1"


def pytest_addoption(parser):
    parser.addoption("--update-goldens", action="store_true", help="rewrite the goldens; say why in the commit")


@pytest.fixture
def update_goldens(request):
    return request.config.getoption("--update-goldens")
