#!/usr/bin/env python3
"""gpuc_gemm against cuBLAS (through PyTorch) on one GPU, in one process, turn and turn about.

    python3 bench/gemm_cublas.py --library build/release/libgpucompute.so --out results.json [--sizes FILE ...]

Every product is checked against float64 on sampled rows before it is timed. A sample is many calls and one wait; the ratio
of a product is the median of the ratios of neighbouring samples, cuBLAS's time over ours: above 1, ours is faster. With
--clblast CLBlast takes its turn too, through the backend of that name, where it serves.

    python3 bench/gemm_cublas.py --render results.json picture.png
"""
import argparse
import ctypes
import datetime
import json
import os
import platform
import re
import statistics
import sys
import time

try:
    import torch
except ImportError:  # pictures need none
    torch = None

C = ctypes
TYPES = {} if torch is None else {"f16": (9, torch.float16), "f32": (10, torch.float32), "f64": (11, torch.float64),
                                  "bf16": (14, torch.bfloat16), "f8e4m3": (15, torch.float8_e4m3fn),
                                  "i8": (1, torch.int8)}


class Desc(C.Structure):
    _fields_ = [("struct_size", C.c_uint32), ("flags", C.c_uint32), ("type", C.c_int32), ("layout", C.c_int32),
                ("transpose_a", C.c_int32), ("transpose_b", C.c_int32)] + \
        [(n, C.c_int64) for n in ("m", "n", "k", "lda", "ldb", "ldc", "a_offset", "b_offset", "c_offset", "batch_count",
                                  "a_stride", "b_stride", "c_stride")] + \
        [(n, C.c_double) for n in ("alpha_real", "alpha_imag", "beta_real", "beta_imag")] + \
        [("backend", C.c_char_p)] + \
        [(n, C.c_int32) for n in ("b_type", "c_type", "compute", "activation", "bias", "bias_type")] + \
        [("bias_buffer", C.c_void_p), ("bias_offset", C.c_int64), ("output_scale", C.c_double),
         ("residual", C.c_void_p), ("residual_offset", C.c_int64), ("residual_ld", C.c_int64),
         ("residual_stride", C.c_int64), ("group_rows", C.c_void_p), ("group_count", C.c_size_t)]


class Library:
    def __init__(self, path):
        self.lib = C.CDLL(path)
        self.lib.gpuc_last_error_message.restype = C.c_char_p
        self.lib.gpuc_version_string.restype = C.c_char_p
        self.device, self.context, self.queue = C.c_void_p(), C.c_void_p(), C.c_void_p()
        self.call("gpuc_device_select", b"nvidia", C.byref(self.device))
        devices = (C.c_void_p * 1)(self.device)
        self.call("gpuc_context_create", devices, C.c_size_t(1), C.byref(self.context))
        self.call("gpuc_queue_create", self.context, None, C.c_uint32(0), C.byref(self.queue))

    def call(self, name, *args):
        if getattr(self.lib, name)(*args) != 0:
            raise RuntimeError(f"{name}: {self.lib.gpuc_last_error_message().decode()}")

    def buffer(self, tensor_or_bytes):
        """A buffer of a CPU tensor's bytes, or of so many bytes."""
        handle = C.c_void_p()
        size = tensor_or_bytes if isinstance(tensor_or_bytes, int) else \
            tensor_or_bytes.numel() * tensor_or_bytes.element_size()
        self.call("gpuc_buffer_create", self.context, C.c_size_t(size), C.c_uint32(0), C.byref(handle))
        if not isinstance(tensor_or_bytes, int):
            self.call("gpuc_buffer_write", handle, self.queue, C.c_size_t(0), C.c_size_t(size),
                      C.c_void_p(tensor_or_bytes.data_ptr()))
        return handle

    def read(self, handle, tensor):
        self.call("gpuc_buffer_read", handle, self.queue, C.c_size_t(0),
                  C.c_size_t(tensor.numel() * tensor.element_size()), C.c_void_p(tensor.data_ptr()))

    def finish(self):
        self.call("gpuc_queue_finish", self.queue)


def random_matrix(kind, rows, columns, seed):
    g = torch.Generator(device="cuda").manual_seed(seed)
    if kind == "i8":
        return torch.randint(-128, 128, (rows, columns), generator=g, device="cuda", dtype=torch.int8)
    values = torch.rand((rows, columns), generator=g, device="cuda", dtype=torch.float32) - 0.5
    return values.to(TYPES[kind][1]) if kind != "f64" else values.double() * (1 + 2.0 ** -30)


class Product:
    """One problem on all sides. op "nt": A as it is, B transposed; and so on."""

    def __init__(self, library, kind, mode, op, m, n, k, batch, backend):
        self.l, self.kind, self.mode, self.op, self.m, self.n, self.k, self.batch = library, kind, mode, op, m, n, k, batch
        ta, tb = op[0] == "t", op[1] == "t"
        shape_a, shape_b = ((k, m) if ta else (m, k)), ((n, k) if tb else (k, n))
        self.a = random_matrix(kind, batch * shape_a[0], shape_a[1], m + 3 * k)
        self.b = random_matrix(kind, batch * shape_b[0], shape_b[1], n + 7 * k + 1)
        several = (batch,) if batch > 1 else ()
        self.op_a, self.op_b = self.a.view(*several, *shape_a), self.b.view(*several, *shape_b)
        self.op_a = self.op_a.mT if ta else self.op_a
        self.op_b = self.op_b.mT if tb else self.op_b
        out = {"f8e4m3": torch.bfloat16, "i8": torch.int32}.get(kind, TYPES[kind][1])
        self.result = torch.empty((*several, m, n), dtype=out, device="cuda")
        self.host = torch.empty((*several, m, n), dtype=out)
        self.handles = [library.buffer(self.a.cpu()), library.buffer(self.b.cpu()),
                        library.buffer(self.host.numel() * self.host.element_size())]
        d = Desc()
        library.call("gpuc_gemm_desc_init", C.byref(d), C.c_size_t(C.sizeof(Desc)))
        d.type, d.transpose_a, d.transpose_b, d.m, d.n, d.k = TYPES[kind][0], int(ta), int(tb), m, n, k
        d.compute = {"": 0, "tf32": 1, "split": 2}[mode]
        d.backend = backend.encode() if backend else None
        if batch > 1:
            d.batch_count, d.a_stride, d.b_stride, d.c_stride = batch, m * k, k * n, m * n
        self.desc = d
        self.clblast_desc = Desc.from_buffer_copy(d)
        self.clblast_desc.backend = b"clblast"
        self.gemm = library.lib.gpuc_gemm
        self.args = (library.queue, C.byref(d), *self.handles, None, C.c_size_t(0), None)
        self.scale = torch.ones((), device="cuda")

    def ours(self):
        if self.gemm(*self.args) != 0:
            raise RuntimeError(self.l.lib.gpuc_last_error_message().decode())

    def clblast(self):
        if self.gemm(self.l.queue, C.byref(self.clblast_desc), *self.handles, None, C.c_size_t(0), None) != 0:
            raise RuntimeError(self.l.lib.gpuc_last_error_message().decode())

    def cublas(self):
        if self.batch > 1:
            torch.bmm(self.op_a, self.op_b, out=self.result)
        elif self.kind == "f8e4m3":
            torch._scaled_mm(self.op_a, self.op_b, self.scale, self.scale, out_dtype=torch.bfloat16,
                             use_fast_accum=True)
        elif self.kind == "i8":
            torch._int_mm(self.op_a, self.op_b)
        else:
            torch.mm(self.op_a, self.op_b, out=self.result)

    def has_clblast(self):
        """CLBlast computes in IEEE f32 whatever is allowed; where less is, it is no peer."""
        if self.mode:
            return False
        try:
            self.clblast()
            self.l.finish()
        except RuntimeError:
            return False
        return True

    def has_peer(self):
        if self.batch > 1 and self.kind in ("f8e4m3", "i8"):
            return False
        if self.kind == "f8e4m3":
            return self.op == "nt" and self.k % 16 == 0 and self.n % 16 == 0
        if self.kind == "i8":
            return self.op == "nt" and self.m > 16 and self.k % 8 == 0 and self.n % 8 == 0
        return True

    def backend(self):
        needed, text = C.c_size_t(), C.create_string_buffer(4096)
        self.l.call("gpuc_gemm_explain", self.l.queue, C.byref(self.desc), text, C.c_size_t(4096), C.byref(needed))
        return text.value.decode().split(":")[0]

    def error(self):
        """The largest error over its bound on sampled rows."""
        poison = torch.full_like(self.host, 77)
        self.l.call("gpuc_buffer_write", self.handles[2], self.l.queue, C.c_size_t(0),
                    C.c_size_t(poison.numel() * poison.element_size()), C.c_void_p(poison.data_ptr()))
        self.ours()
        self.l.read(self.handles[2], self.host)
        rows = torch.unique(torch.cat([torch.arange(min(self.m, 4)), torch.randint(0, self.m, (28,)),
                                       torch.arange(max(self.m - 4, 0), self.m)]))
        a, b = self.op_a[..., rows.cuda(), :].double(), self.op_b.double()
        exact, magnitude = a @ b, a.abs() @ b.abs()
        got = self.host[..., rows, :].cuda().double()
        eps = {"f64": 2.0 ** -52, "i8": 0}.get(self.kind, 2.0 ** -23)
        if self.mode == "tf32":
            eps = 2.0 ** -10 / (self.k + 4) * 2 + eps
        if self.kind == "f8e4m3":
            eps = 2.0 ** -13
        rounding = {torch.bfloat16: 2.0 ** -8, torch.float16: 2.0 ** -11}.get(self.host.dtype, 0)
        bound = (self.k + 4) * eps * magnitude + rounding * exact.abs() + 1e-30
        difference = (got - exact).abs()
        relative = (difference.square().sum() / exact.square().sum()).sqrt().item()
        return (difference / bound).max().item() if self.kind != "i8" else float(difference.max()), relative

    def close(self):
        for handle in self.handles:
            self.l.lib.gpuc_buffer_release(handle)


def timed(call, finish, count):
    start = time.perf_counter()
    for _ in range(count):
        call()
    finish()
    return (time.perf_counter() - start) / count


def measure(p, repeats, least, clblast):
    timed(p.ours, p.l.finish, 2)
    once = timed(p.ours, p.l.finish, 3)
    count = max(3, int(least / max(once, 1e-6)))
    sides = {"ours": (p.ours, p.l.finish)}
    if p.has_peer():
        sides["cublas"] = (p.cublas, torch.cuda.synchronize)
        timed(*sides["cublas"], 3)
    if clblast and p.has_clblast():
        sides["clblast"] = (p.clblast, p.l.finish)
        timed(*sides["clblast"], 2)
    samples = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            samples[name].append(timed(*side, count))
    return samples


def ratios_to(samples, peer):
    """Median, lowest, highest."""
    ratios = sorted(theirs / ours for ours, theirs in zip(samples["ours"], samples[peer]))
    return statistics.median(ratios), ratios[0], ratios[-1]


def driver():
    try:
        with open("/proc/driver/nvidia/version", encoding="utf-8") as file:
            return re.search(r"\d+\.\d+(\.\d+)?", file.readline()).group()
    except OSError:
        return ""


def read_problems(paths):
    """Lines "types modes ops m n k [batch]", comma lists in the first three; "-" for no mode."""
    for path in paths:
        for line in open(path, encoding="utf-8"):
            words = line.split("#")[0].split()
            if len(words) not in (6, 7):
                continue
            words += ["1"] * (7 - len(words))
            for kind in words[0].split(","):
                for op in words[2].split(","):
                    yield kind, words[1].replace("-", ""), op, *map(int, words[3:])


def render_shapes(data, pyplot):
    """One panel per type, two bars per product: the times of cuBLAS and CLBlast over ours."""
    types = sorted({row["type"] for row in data["rows"]})
    most = max(sum(row["type"] == kind for row in data["rows"]) for kind in types)
    figure, axes = pyplot.subplots(1, len(types), figsize=(5 * len(types), 5.5), squeeze=False)
    for axis, kind in zip(axes.flat, types):
        rows = [row for row in data["rows"] if row["type"] == kind][::-1]
        names = [f"{r['op']} {r['m']}x{r['n']}x{r['k']}" + (f" x {r['batch']}" if r["batch"] > 1 else "") for r in rows]
        for offset, key, peer in ((0.2, "ratio", "cuBLAS"), (-0.2, "clblast_ratio", "CLBlast")):
            there = [(i + offset, r) for i, r in enumerate(rows) if key in r]
            if not there:
                continue
            middle = [r[key] for _, r in there]
            spread = [[r[key] - r[key + "_low"] for _, r in there], [r[key + "_high"] - r[key] for _, r in there]]
            axis.barh([i for i, _ in there], middle, 0.38, xerr=spread, label=peer, error_kw={"linewidth": 0.8})
        axis.set_yticks(range(len(rows)), names, fontsize=7)
        axis.set_ylim(len(rows) - 1 - most + 0.4, len(rows) - 0.4)
        axis.axvline(1, color="black", linewidth=0.8)
        axis.set_title(kind, fontsize=10)
        axis.set_xlim(0, 6)
        axis.set_xlabel("time of the peer / time of gpuc_gemm")
        axis.legend(fontsize=7)
    return figure


def render(results, picture):
    """A picture of squares, or of a file with batches."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    data = json.load(open(results, encoding="utf-8"))
    batches = any(row.get("batch", 1) > 1 for row in data["rows"])
    figure = (render_shapes if batches else render_squares)(data, pyplot)
    figure.suptitle(f"{data['device']}, PyTorch {data['torch']} (CUDA {data['cuda']}), {data['date']}", fontsize=10)
    figure.tight_layout()
    figure.savefig(picture)


def render_squares(data, pyplot):
    """One panel per type: cuBLAS's time over ours, by the size of the product."""
    groups = {}
    for row in data["rows"]:
        if "ratio" in row:
            groups.setdefault(row["type"] + ("/" + row["mode"] if row["mode"] else ""), []).append(row)
    columns = min(4, len(groups))
    lines = -(-len(groups) // columns)
    figure, axes = pyplot.subplots(lines, columns, figsize=(4.2 * columns, 3.2 * lines), squeeze=False, sharey=True)
    for axis in axes.flat[len(groups):]:
        axis.axis("off")
    for axis, (name, rows) in zip(axes.flat, groups.items()):
        for op in sorted({r["op"] for r in rows}):
            points = sorted(((r["m"] * r["n"] * r["k"]) ** (1 / 3), r["ratio"], r["ratio_low"], r["ratio_high"])
                            for r in rows if r["op"] == op)
            x, y, low, high = zip(*points)
            axis.errorbar(x, y, [[a - b for a, b in zip(y, low)], [b - a for a, b in zip(y, high)]], marker="o",
                          markersize=3, linewidth=1, capsize=2, label=op)
        axis.axhline(1, color="black", linewidth=0.8)
        axis.set_xscale("log", base=2)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("cube root of m n k")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
    axes[0][0].set_ylabel("time of cuBLAS / time of gpuc_gemm")
    return figure


def main():
    if sys.argv[1:2] == ["--render"]:
        return render(*sys.argv[2:4])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True)
    parser.add_argument("--sizes", nargs="+", required=True)
    parser.add_argument("--out")
    parser.add_argument("--backend", default="")
    parser.add_argument("--clblast", action="store_true", help="CLBlast as well")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--least", type=float, default=0.02, help="seconds of a sample")
    o = parser.parse_args()
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    library = Library(os.path.abspath(o.library))
    rows, failed = [], 0
    for kind, mode, op, m, n, k, batch in read_problems(o.sizes):
        torch.backends.cuda.matmul.allow_tf32 = mode == "tf32"
        name = f"{kind}{'/' + mode if mode else ''} {op} {m}x{n}x{k}{f' x{batch}' if batch > 1 else ''}"
        try:
            p = Product(library, kind, mode, op, m, n, k, batch, o.backend)
            over, relative = p.error()
            samples = measure(p, o.repeats, o.least, o.clblast)
        except RuntimeError as error:
            print(f"{name:36} FAILED {str(error)[:300]}", flush=True)
            failed += 1
            continue
        flops, seconds = 2.0 * m * n * k * batch, statistics.median(samples["ours"])
        row = {"type": kind, "mode": mode, "op": op, "m": m, "n": n, "k": k, "batch": batch, "backend": p.backend(),
               "tflops": flops / seconds / 1e12, "seconds": seconds, "error_over_bound": over, "relative_error": relative}
        text = f"{name:36} {row['backend']:14} {row['tflops']:8.1f} TFLOP/s"
        if "cublas" in samples:
            middle, low, high = ratios_to(samples, "cublas")
            row.update(peer_tflops=flops / statistics.median(samples["cublas"]) / 1e12, ratio=middle, ratio_low=low, ratio_high=high)
            text += f"  cuBLAS {row['peer_tflops']:8.1f}  ratio {middle:.3f} ({low:.3f}-{high:.3f})"
        if "clblast" in samples:
            row["clblast_ratio"], row["clblast_ratio_low"], row["clblast_ratio_high"] = ratios_to(samples, "clblast")
            text += f"  to CLBlast {row['clblast_ratio']:.2f}"
        wrong = not over <= (1 if kind != "i8" else 0)
        failed += wrong
        print(text + f"  error {over:.3f} of bound, {relative:.1e}" + ("  WRONG" if wrong else ""), flush=True)
        rows.append(row)
        p.close()
    if o.out:
        with open(o.out, "w", encoding="utf-8") as file:
            json.dump({"bench": "gemm_cublas", "device": torch.cuda.get_device_name(0), "torch": torch.__version__,
                       "cuda": torch.version.cuda, "library": library.lib.gpuc_version_string().decode(),
                       "driver": driver(), "host": platform.machine(), "date": datetime.date.today().isoformat(), "rows": rows}, file,
                      indent=1)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
