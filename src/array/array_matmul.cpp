// Products of views: which ones the GEMM can take as they are, and which are copied first.
#include <gpucompute/gemm.hpp>
#include "array/array_view.hpp"
#include "array/command_list.hpp"
#include "array/copy_kernels.hpp"
#include "support/fail.hpp"

namespace gpucompute {
namespace {

// A stack of matrices. Strides in elements.
struct Matrices {
  CheckedView view;
  std::uint64_t rows = 0, columns = 0;
  std::int64_t row_stride = 0, column_stride = 0;
  unsigned batch_dims = 0;
  std::shared_ptr<Buffer> keep;  // of a copy
};

std::int64_t elements(const CheckedView &view, unsigned d) {
  return view.strides[d] / static_cast<std::int64_t>(view.element());
}

// Whether offsets, too, count whole elements: complex numbers need only be aligned to their parts.
bool whole_elements(const CheckedView &view) {
  const auto element = static_cast<std::int64_t>(view.element());
  for (unsigned d = 0; d < view.ndim; ++d)
    if (view.shape[d] > 1 && view.strides[d] % element) return false;
  return view.root_offset % view.element() == 0 && view.offset % view.element() == 0;
}

void read_strides(Matrices &m) {
  const unsigned n = m.view.ndim;
  m.batch_dims = n - 2;
  m.rows = m.view.shape[n - 2];
  m.columns = m.view.shape[n - 1];
  m.row_stride = elements(m.view, n - 2);
  m.column_stride = elements(m.view, n - 1);
}

// Whether the lines of the matrix, its rows or its columns, are runs of neighbours that do not overlap.
bool has_lines(const Matrices &m, bool of_rows) {
  const std::int64_t along = of_rows ? m.column_stride : m.row_stride;
  const std::int64_t across = of_rows ? m.row_stride : m.column_stride;
  const std::uint64_t length = of_rows ? m.columns : m.rows, lines = of_rows ? m.rows : m.columns;
  if (length > 1 && along != 1) return false;
  return lines <= 1 || across >= static_cast<std::int64_t>(std::max<std::uint64_t>(length, 1));
}

std::int64_t leading_dimension(const Matrices &m, bool of_rows) {
  const std::uint64_t length = of_rows ? m.columns : m.rows, lines = of_rows ? m.rows : m.columns;
  return lines > 1 ? (of_rows ? m.row_stride : m.column_stride)
                   : static_cast<std::int64_t>(std::max<std::uint64_t>(length, 1));
}

bool batch_fits(const Matrices &m) {
  for (unsigned d = 0; d < m.batch_dims; ++d)
    if (m.view.shape[d] > 1 && m.view.strides[d] < 0) return false;
  return true;
}

// A packed copy, with the last two dimensions the other way round in memory if its lines are to be columns. Repeated
// batch dimensions stay repeated.
Matrices packed_copy(CommandList &list, Queue &queue, const Matrices &m, bool of_rows, bool fill_it) {
  ArrayView layout = m.view;
  const unsigned n = layout.ndim;
  bool repeated[ArrayView::max_dims] = {};
  for (unsigned d = 0; d < m.batch_dims; ++d)
    if ((repeated[d] = layout.strides[d] == 0)) layout.shape[d] = 1;
  if (!of_rows) std::swap(layout.shape[n - 2], layout.shape[n - 1]);
  OwnedView owned = packed_like(layout, m.view.type, queue.context());
  if (!of_rows) {
    std::swap(owned.view.shape[n - 2], owned.view.shape[n - 1]);
    std::swap(owned.view.strides[n - 2], owned.view.strides[n - 1]);
  }
  Matrices copy;
  copy.keep = owned.buffer;
  copy.view = check_view(owned.view, queue, "a temporary array");
  if (fill_it) {
    CheckedView from = m.view;
    for (unsigned d = 0; d < m.batch_dims; ++d) from.shape[d] = copy.view.shape[d];
    from.count = copy.view.count;
    add_copy(list, queue, copy.view, from);
  }
  for (unsigned d = 0; d < m.batch_dims; ++d)
    if (repeated[d]) {
      copy.view.shape[d] = m.view.shape[d];
      copy.view.strides[d] = 0;
    }
  copy.view.count = m.view.count;
  read_strides(copy);
  return copy;
}

// a or b: row-major lines or column-major ones will do, unless it is to be conjugated, which goes with a transpose.
Matrices operand(CommandList &list, Queue &queue, const CheckedView &view, bool column_major, bool conjugate) {
  Matrices m;
  m.view = view;
  read_strides(m);
  const bool usable = whole_elements(view) && batch_fits(m);
  const bool plain_is_rows = !column_major;
  if (usable && has_lines(m, !plain_is_rows)) return m;
  if (usable && !conjugate && has_lines(m, plain_is_rows)) return m;
  return packed_copy(list, queue, m, conjugate ? !plain_is_rows : plain_is_rows, true);
}

// Puts the operand's place into the problem: how it is stored, its leading dimension.
Transpose stored_as(const Matrices &m, bool column_major, bool conjugate, std::int64_t &ld) {
  const bool plain_is_rows = !column_major;
  if (conjugate || !has_lines(m, plain_is_rows)) {
    ld = leading_dimension(m, !plain_is_rows);
    return conjugate ? Transpose::conj : Transpose::trans;
  }
  ld = leading_dimension(m, plain_is_rows);
  return Transpose::none;
}

// The dimensions before the last two, as one of the GEMM's batch and a loop over the rest.
struct BatchAxis {
  std::uint64_t size;
  std::int64_t a, b, c;
};

std::vector<BatchAxis> batch_axes(const Matrices &a, const Matrices &b, const Matrices &c) {
  std::vector<BatchAxis> axes;  // the fastest first
  for (unsigned left = c.batch_dims; left > 0; --left) {
    const unsigned d = left - 1;
    const BatchAxis axis{c.view.shape[d], elements(a.view, d), elements(b.view, d), elements(c.view, d)};
    if (axis.size == 1) continue;
    if (!axes.empty()) {
      BatchAxis &last = axes.back();
      const auto size = static_cast<std::int64_t>(last.size);
      if (axis.a == last.a * size && axis.b == last.b * size && axis.c == last.c * size) {
        last.size *= axis.size;
        continue;
      }
    }
    axes.push_back(axis);
  }
  return axes;
}

// The axis that becomes the batch of one call: the longest whose products lie apart in c the way the GEMM wants.
std::size_t pick_batch(const std::vector<BatchAxis> &axes, const Matrices &c, bool c_of_rows, std::int64_t ldc) {
  const std::uint64_t lines = c_of_rows ? c.rows : c.columns, length = c_of_rows ? c.columns : c.rows;
  const std::int64_t extent = static_cast<std::int64_t>(lines - 1) * ldc + static_cast<std::int64_t>(length);
  std::size_t best = axes.size();
  for (std::size_t i = 0; i < axes.size(); ++i)
    if (axes[i].c >= extent && (best == axes.size() || axes[i].size > axes[best].size)) best = i;
  return best;
}

void check_shapes(const ArrayView &a, const ArrayView &b, const ArrayView &c) {
  for (const auto &[view, name] : {std::pair{&a, "a"}, {&b, "b"}, {&c, "c"}})
    if (view->ndim < 2)
      fail(Status::invalid_argument, name, ".ndim is ", view->ndim,
           ", must be 2 or more: give a vector a dimension of 1");
  const std::uint64_t m = a.shape[a.ndim - 2], k = a.shape[a.ndim - 1];
  const std::uint64_t k_of_b = b.shape[b.ndim - 2], n = b.shape[b.ndim - 1];
  if (k != k_of_b)
    fail(Status::invalid_argument, "a has ", k, " columns and b has ", k_of_b, " rows; they must be as many");
  if (c.shape[c.ndim - 2] != m || c.shape[c.ndim - 1] != n)
    fail(Status::invalid_argument, "c holds matrices of ", c.shape[c.ndim - 2], " x ", c.shape[c.ndim - 1],
         ", must be ", m, " x ", n);
}

// With the batch dimensions of c.
CheckedView with_batch(const CheckedView &view, const CheckedView &c, const char *name) {
  CheckedView wanted = c;
  wanted.shape[c.ndim - 2] = view.shape[view.ndim - 2];
  wanted.shape[c.ndim - 1] = view.shape[view.ndim - 1];
  wanted.count = 1;
  for (unsigned d = 0; d < wanted.ndim; ++d) wanted.count *= wanted.shape[d];
  CheckedView result = broadcast(view, wanted, name);
  for (unsigned d = 0; d < result.ndim; ++d)
    if (result.shape[d] == 1) result.strides[d] = 0;
  return result;
}

}  // namespace

void array_matmul(Queue &queue, const ArrayView &a_view, const ArrayView &b_view, const ArrayView &c_view,
                  const MatmulOptions &options, Waits waits, OutEvent out) {
  const CheckedView a = check_view(a_view, queue, "a"), b = check_view(b_view, queue, "b");
  const CheckedView result = check_destination(c_view, queue, "c");
  check_shapes(a, b, result);
  const CheckedView wide_a = with_batch(a, result, "a"), wide_b = with_batch(b, result, "b");
  CommandList list;

  Matrices c;
  c.view = result;
  read_strides(c);
  const bool fits = whole_elements(result) && batch_fits(c) && (has_lines(c, true) || has_lines(c, false));
  // The GEMM, too, looks at ranges.
  const bool by_way = result.count && (!fits || ranges_overlap(result, a) || ranges_overlap(result, b));
  if (by_way) c = packed_copy(list, queue, c, true, options.beta != 0.0);
  const bool column_major = !has_lines(c, true);

  const bool is_conjugable = is_complex(result.type);
  const bool conjugate_a = options.conjugate_a && is_conjugable, conjugate_b = options.conjugate_b && is_conjugable;
  GemmProblem problem;
  problem.type = a.type;
  problem.b_type = b.type;
  problem.c_type = result.type;
  problem.layout = column_major ? Layout::column_major : Layout::row_major;
  problem.m = static_cast<std::int64_t>(c.rows);
  problem.n = static_cast<std::int64_t>(c.columns);
  problem.k = static_cast<std::int64_t>(a.shape[a.ndim - 1]);
  problem.alpha_real = options.alpha.real();
  problem.alpha_imag = options.alpha.imag();
  problem.beta_real = options.beta.real();
  problem.beta_imag = options.beta.imag();
  problem.compute = options.compute;
  problem.backend = options.backend;

  const bool reads = result.count && problem.k && options.alpha != 0.0;
  Matrices ma, mb;
  if (reads) {
    ma = operand(list, queue, wide_a, column_major, conjugate_a);
    mb = operand(list, queue, wide_b, column_major, conjugate_b);
    problem.transpose_a = stored_as(ma, column_major, conjugate_a, problem.lda);
    problem.transpose_b = stored_as(mb, column_major, conjugate_b, problem.ldb);
  } else {
    ma.view = mb.view = c.view;  // not looked at
    for (Matrices *m : {&ma, &mb})
      for (std::int64_t &stride : m->view.strides) stride = 0;
  }
  if (result.count == 0) {
    problem.batch_count = 0;
    list.add([&](Waits these, OutEvent event) {
      gemm(queue, problem, nullptr, nullptr, *result.buffer, these, event);  // checks the type
    });
    return list.run(queue, waits, out);
  }
  problem.ldc = leading_dimension(c, !column_major);

  std::vector<BatchAxis> axes = batch_axes(ma, mb, c);
  if (const std::size_t batch = pick_batch(axes, c, !column_major, problem.ldc); batch < axes.size()) {
    problem.batch_count = static_cast<std::int64_t>(axes[batch].size);
    problem.a_stride = axes[batch].a;
    problem.b_stride = axes[batch].b;
    problem.c_stride = axes[batch].c;
    axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(batch));
  }
  std::uint64_t calls = 1;
  for (const BatchAxis &axis : axes) calls *= axis.size;
  const auto start = [](const Matrices &m) {
    return static_cast<std::int64_t>(m.view.offset / static_cast<std::uint64_t>(m.view.element()));
  };
  for (std::uint64_t call = 0; call < calls; ++call) {
    GemmProblem one = problem;
    one.a_offset = reads ? start(ma) : 0;
    one.b_offset = reads ? start(mb) : 0;
    one.c_offset = start(c);
    std::uint64_t rest = call;
    for (const BatchAxis &axis : axes) {
      const auto index = static_cast<std::int64_t>(rest % axis.size);
      rest /= axis.size;
      one.a_offset += index * axis.a;
      one.b_offset += index * axis.b;
      one.c_offset += index * axis.c;
    }
    list.add([&queue, one, &ma, &mb, &c, reads](Waits these, OutEvent event) {
      gemm(queue, one, reads ? ma.view.buffer : nullptr, reads ? mb.view.buffer : nullptr, *c.view.buffer, these,
           event);
    });
  }
  if (by_way) add_copy(list, queue, result, c.view);
  list.run(queue, waits, out);
}

}  // namespace gpucompute
