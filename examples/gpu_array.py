"""A GPUArray goes to the device, is worked on there, and comes back.

    python examples/gpu_array.py
"""
import gpucompute
import numpy

SOURCE = "kernel void square(global float *x) { size_t i = get_global_id(0); x[i] *= x[i]; }"


def main():
    host = numpy.arange(12, dtype="float32").reshape(3, 4)
    array = gpucompute.to_gpu(host)
    assert isinstance(array, gpucompute.GPUArray)
    print(repr(array))

    # Views share memory, as numpy's do; assignment converts and broadcasts on the device.
    array[1:, ::-2] = -1
    host[1:, ::-2] = -1
    print("every other column of the last rows, backwards:", array[1:, ::-2].tolist())

    # A kernel takes an array as it takes a buffer.
    gpucompute.Program(SOURCE).square(array.queue, array.size, None, array)
    numpy.testing.assert_array_equal(array.get(), host**2)

    # The transpose is a view; its copy has no gaps. Both came back right.
    columns = array.T.astype("int64")
    numpy.testing.assert_array_equal(columns.get(), (host**2).T.astype("int64"))
    print(columns)


if __name__ == "__main__":
    main()
