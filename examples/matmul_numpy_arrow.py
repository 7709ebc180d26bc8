"""Matrix products of numpy arrays and Arrow arrays on the device: no device code, and no copies on the host.

    python examples/matmul_numpy_arrow.py
"""
import gpucompute
import numpy


def check(result, a, b):
    """Within the bound of a float32 product that sums k terms."""
    k = a.shape[1]
    exact = a.astype("float64") @ b.astype("float64")
    bound = (k + 4) * 2.0**-23 * (abs(a).astype("float64") @ abs(b))
    error = abs(result - exact)
    assert (error <= bound).all(), f"off by {error.max()}"
    return (error / bound).max()


def main():
    rng = numpy.random.default_rng(1)
    a = rng.standard_normal((300, 200), dtype="float32")
    b = rng.standard_normal((200, 100), dtype="float32")

    # numpy in, numpy out.
    print(f"numpy @ numpy:   {check(gpucompute.matmul(a, b), a, b):.2f} of the error that is allowed")

    # On the device: views are multiplied where they are, and batches are broadcast.
    x, y = gpucompute.asarray(a), gpucompute.asarray(b)
    product = x @ y
    check(product.get(), a, b)
    check((y.T @ x.T).T.get(), a, b)
    batch = gpucompute.asarray(rng.standard_normal((5, 50, 300), dtype="float32"))
    assert (batch @ product).shape == (5, 50, 100)
    print(f"arrays:          {product.shape} {product.dtype} on {product.device.name}")

    # Arrow arrays are read where they are; fixed-size lists are the rows of a matrix.
    try:
        import pyarrow
    except ImportError:
        print("Arrow:           pyarrow is not installed")
        return
    rows = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(a.ravel()), 200)
    print(f"Arrow @ numpy:   {check(gpucompute.matmul(rows, b), a, b):.2f} of the error that is allowed")
    column = pyarrow.array(product[:, 0])
    assert column.to_pylist() == product[:, 0].tolist()
    try:
        gpucompute.matmul(pyarrow.array([1.0, None]), numpy.ones((2, 2)))
    except gpucompute.ArgumentError as error:
        print(f"nulls:           {error}")


if __name__ == "__main__":
    main()
