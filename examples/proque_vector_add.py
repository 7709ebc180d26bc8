#!/usr/bin/env python3
"""A scalar added to each element by ProQue, as in the example of the Rust crate ocl.

    proque_vector_add.py [COUNT]
"""
import sys

import gpucompute
import numpy

SOURCE = """
kernel void add(global float *buffer, float scalar) {
  buffer[get_global_id(0)] += scalar;
}
"""


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1 << 20
    pro_que = gpucompute.ProQue.builder().src(SOURCE).dims(count).build()
    buffer = pro_que.create_buffer("float32")  # zero at first

    kernel = pro_que.kernel_builder("add").arg(buffer).arg(10.0).build()
    kernel.enq()

    vec = numpy.empty(count, numpy.float32)
    pro_que.read(buffer, vec)
    place = min(200007, count - 1)
    print(f"{pro_que.context.device.name}: the value at index [{place}] is now {vec[place]}")
    right = bool((vec == 10.0).all())
    print("every element is right" if right else "WRONG")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
