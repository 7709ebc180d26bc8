"""A user's program as mypy sees it: checked by ./dev lint, run by test_package.py."""
from __future__ import annotations

import asyncio

import gpucompute


async def main() -> bytearray:
    device: gpucompute.Device = gpucompute.devices()[0]
    with gpucompute.Context(device) as context, gpucompute.Queue(context, profiling=True) as queue:
        program = gpucompute.Program(context, "kernel void f(global int *x) { x[get_global_id(0)] += N; }").build(["-Werror"], {"N": 1})
        buffer = gpucompute.Buffer(4096, context)
        kernel: gpucompute.Kernel = program["f"]
        first: gpucompute.Event = kernel(queue, 1024, None, buffer, event=True)
        second: gpucompute.Event = kernel[1024, 64](buffer, event=True, waits=[first], queue=queue)
        kernel(queue, (1024,), (64,), buffer)
        await second
        nanoseconds: int = second.times.duration
        assert nanoseconds >= 0
        proque = gpucompute.ProQue("kernel void g(global float *x, float y) { x[0] = y; }", dims=10)
        done: gpucompute.Event = proque.kernel("g").arg(proque.create_buffer("float32")).arg(1.5).enq(event=True)
        done.wait(timeout=1.0)
        out = bytearray(4096)
        await buffer.read_async(out, queue)
        with buffer.map(queue, write=False) as view:
            size: int = len(view)
            assert size == 4096
        try:
            buffer.write(b"x" * 5000)
        except gpucompute.OutOfRange as error:
            status: int = error.status
            assert status == 204
        return out


if __name__ == "__main__":
    asyncio.run(main())
