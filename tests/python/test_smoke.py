"""The shortest whole programs."""
import gpucompute
import numpy


def test_vector_add():
    rng = numpy.random.default_rng(1)
    x, y = (rng.standard_normal(1000, dtype=numpy.float32) for _ in range(2))
    program = gpucompute.Program("""kernel void add(global const float *x, global const float *y, global float *z) {
        size_t i = get_global_id(0); z[i] = x[i] + y[i]; }""")
    queue = gpucompute.default_queue()
    a, b, c = (gpucompute.Buffer(x.nbytes) for _ in range(3))
    a.write(x)
    b.write(y)
    c.fill(0xFF)
    program.add(queue, x.size, None, a, b, c)
    assert numpy.array_equal(c.read(numpy.empty_like(x)), x + y)


def test_proque():
    proque = gpucompute.ProQue("kernel void add(global float *x, float y) { x[get_global_id(0)] += y; }", dims=1000)
    buffer = proque.create_buffer("float32")
    proque.kernel("add").arg(buffer).arg(10).enq()
    assert numpy.array_equal(numpy.frombuffer(proque.read(buffer), numpy.float32), numpy.full(1000, 10, numpy.float32))
