"""Runs the Python of the pages: all blocks of a page in order, in one namespace. The package comes from GPUC_BUILD_DIR/python."""
import os
import sys

import pytest
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

if os.environ.get("GPUC_BUILD_DIR"):
    sys.path.insert(0, os.path.join(os.environ["GPUC_BUILD_DIR"], "python"))


def setup(namespace):
    import importlib.util

    import gpucompute

    def has(module):
        return importlib.util.find_spec(module) is not None

    namespace.update(has=has, offers=gpucompute.__all__)


def pytest_collection_modifyitems(items):
    import gpucompute

    if gpucompute.default_device().platform.name == "Fake OpenCL":
        for item in items:
            item.add_marker(pytest.mark.skip(reason="the device has no compiler"))


pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser(), SkipParser()], patterns=["*.md"], setup=setup).pytest()
