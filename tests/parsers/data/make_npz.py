"""Writes numpy.npz: arrays of every type that is read, and some that are not, as NumPy stores them.

    venv/bin/pip install numpy
    venv/bin/python make_npz.py numpy.npz
"""

import sys

import numpy

numpy.savez(
    sys.argv[1],
    **{
        "mom2.constructor": "util.runningstats.SecondMoment()",
        "mom2.count": 40,
        "mom2.mom2": numpy.array([[80, 20], [20, 10]], numpy.float32),
        "columns": numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3)),
        "half": numpy.array([1.5, -2], numpy.float16),
        "bytes": numpy.array([-1, 2], numpy.int8),
        "large": numpy.array([2**63], numpy.uint64),
        "small": numpy.array([[[-3]]], numpy.int32),
        "none": numpy.zeros((0, 3), numpy.float32),
        "big endian": numpy.arange(2, dtype=">f4"),
        "truth": numpy.array(True),
        "record": numpy.zeros(2, [("a", "<f4"), ("b", "<i4")]),
    },
)
