#!/usr/bin/env python3
"""gen_layer.py reads old and new forms of CL/cl_icd.h alike, and refuses what it cannot read.

    gen_layer_test.py --cc gcc
"""
import argparse
import re
import unittest

import gen_layer

COMPILER = "cc"


def in_new_form(text):
    """The header as it is from 2023-12 on: types of functions, and pointers to these."""
    return re.sub(r"typedef ([^;{}]*?)\( ?\* ?cl_api_(\w+) ?\) ?(\([^;]*\)) ?;",
                  r"typedef \1 \2_t\3; typedef \2_t * cl_api_\2 ;", text)


def in_old_form(text):
    for function in re.findall(r"typedef (\w+)_t ?\* ?cl_api_\w+ ?;", text):
        typedef = re.search(rf"typedef ([^;{{}}()]*?) ?\b{function}_t ?(\([^;]*\)) ?;", text)
        if typedef:
            text = re.sub(rf"typedef {function}_t ?\* ?cl_api_(\w+) ?;",
                          lambda match, of=typedef: f"typedef {of[1]} (*cl_api_{match[1]}){of[2]};", text)
    return text


class Headers(unittest.TestCase):
    def test_both_forms(self):
        text = gen_layer.preprocess(COMPILER)
        functions = gen_layer.parse_functions(text)
        self.assertGreater(len(functions), 100)
        old, new = in_old_form(text), in_new_form(text)
        self.assertNotEqual(old, new)
        self.assertEqual(gen_layer.parse_functions(old), functions)
        self.assertEqual(gen_layer.parse_functions(new), functions)

    def test_unreadable(self):
        text = gen_layer.preprocess(COMPILER).replace("cl_api_clCreateBuffer", "cl_buffer_maker")
        with self.assertRaisesRegex(SystemExit, "no clCreateBuffer"):
            gen_layer.parse_functions(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cc", default=COMPILER)
    COMPILER = parser.parse_args().cc
    unittest.main(argv=["gen_layer_test.py"])
