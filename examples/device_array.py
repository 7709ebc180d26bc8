"""Memory on both sides, moved by hand: a DeviceArray of float32 goes to the device, is doubled there, and comes back.

    python examples/device_array.py
"""
import gpucompute
import numpy

SOURCE = "kernel void twice(global float *x) { x[get_global_id(0)] *= 2; }"


def main():
    pair = gpucompute.DeviceArray_float32(numpy.arange(1000))
    pair.allocate()
    pair.to_device()
    gpucompute.Program(SOURCE).twice(gpucompute.default_queue(), len(pair), None, pair)
    assert pair.host[999] == 999  # nothing moves by itself
    pair.to_host()
    numpy.testing.assert_array_equal(pair.host, numpy.arange(1000) * 2)
    print(f"{pair}: {pair.host[:5]} ... {pair.host[-1]}, status {pair.last_status()}")

    # What goes wrong is an exception; its status stays.
    pair.free()
    try:
        pair.to_host()
    except gpucompute.Error as error:
        print(f"{error} (status {pair.last_status()}, {error.status_name})")


if __name__ == "__main__":
    main()
