"""Options of the test run."""

import os
from contextlib import contextmanager

import pytest

from corruptgen.tables import catalog

# A bug shows its traceback in every test, and in the processes that tests start.
os.environ["CORRUPTGEN_DEBUG"] = "1"


def pytest_addoption(parser):
    parser.addoption("--update-goldens", action="store_true", help="rewrite the goldens; say why in the commit")


def pytest_collection_modifyitems(items):
    # One worker builds the site while the other one has much else to do; at the end both would wait for it.
    items.sort(key=lambda item: item.path.name != "test_website.py")


@pytest.fixture
def update_goldens(request):
    return request.config.getoption("--update-goldens")


@pytest.fixture(autouse=True, scope="module")
def _corruptions_of_a_module_are_forgotten():
    with _registered_within():
        yield


@pytest.fixture(autouse=True)
def _corruptions_of_a_test_are_forgotten(_corruptions_of_a_module_are_forgotten):
    with _registered_within():
        yield


@contextmanager
def _registered_within():
    """Forget what is registered here: other tests look at all corruptions of their process."""
    before = dict(catalog._registered)
    yield
    if catalog._registered != before:
        catalog._registered.clear()
        catalog._registered.update(before)
        catalog._state["generation"] += 1
