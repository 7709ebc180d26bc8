#include "gemm/gemm_task.hpp"

#include "support/fail.hpp"

namespace gpucompute {
namespace {

// Products and sums of four 63-bit numbers are exact in it.
__extension__ using Wide = unsigned __int128;

const char *layout_name(Layout layout) { return layout == Layout::row_major ? "row-major" : "column-major"; }

void check_enums(const GemmProblem &p) {
  switch (p.type) {
    case DataType::f16:
    case DataType::f32:
    case DataType::f64:
    case DataType::c64:
    case DataType::c128:
      break;
    default:
      fail(Status::invalid_argument, "type is ", static_cast<int>(p.type), " (", name_of(p.type),
           "), must be f16, f32, f64, c64 or c128");
  }
  if (p.layout != Layout::row_major && p.layout != Layout::column_major)
    fail(Status::invalid_argument, "layout is ", static_cast<int>(p.layout),
         ", must be 0 (row-major) or 1 (column-major)");
  const auto check = [](Transpose transpose, const char *name) {
    if (transpose != Transpose::none && transpose != Transpose::trans && transpose != Transpose::conj)
      fail(Status::invalid_argument, name, " is ", static_cast<int>(transpose),
           ", must be 0 (none), 1 (trans) or 2 (conj)");
  };
  check(p.transpose_a, "transpose_a");
  check(p.transpose_b, "transpose_b");
}

void check_numbers(const GemmProblem &p, bool is_complex) {
  const std::pair<const char *, std::int64_t> numbers[] = {{"m", p.m},
                                                           {"n", p.n},
                                                           {"k", p.k},
                                                           {"lda", p.lda},
                                                           {"ldb", p.ldb},
                                                           {"ldc", p.ldc},
                                                           {"a_offset", p.a_offset},
                                                           {"b_offset", p.b_offset},
                                                           {"c_offset", p.c_offset},
                                                           {"batch_count", p.batch_count},
                                                           {"a_stride", p.a_stride},
                                                           {"b_stride", p.b_stride},
                                                           {"c_stride", p.c_stride}};
  for (const auto &[name, value] : numbers)
    if (value < 0) fail(Status::invalid_argument, name, " is ", value, ", must be 0 or more");
  if (is_complex) return;
  if (p.alpha_imag != 0)
    fail(Status::invalid_argument, "alpha_imag is ", p.alpha_imag, ", must be 0 for ", name_of(p.type));
  if (p.beta_imag != 0)
    fail(Status::invalid_argument, "beta_imag is ", p.beta_imag, ", must be 0 for ", name_of(p.type));
}

// A rows x columns matrix as it lies in memory.
GemmOperand place(char name, const GemmProblem &p, std::int64_t rows, std::int64_t columns, Transpose transpose,
                  std::int64_t ld, std::int64_t offset, std::int64_t stride) {
  GemmOperand operand;
  const bool lines_are_rows = (p.layout == Layout::row_major) == (transpose == Transpose::none);
  operand.lines = static_cast<std::uint64_t>(lines_are_rows ? rows : columns);
  operand.length = static_cast<std::uint64_t>(lines_are_rows ? columns : rows);
  const std::uint64_t least = std::max<std::uint64_t>(operand.length, 1);
  operand.ld = ld == 0 ? least : static_cast<std::uint64_t>(ld);
  if (operand.ld < least) {
    if (name == 'c')
      fail(Status::invalid_argument, "ldc is ", ld, ", must be >= ", least, " (", layout_name(p.layout), ")");
    fail(Status::invalid_argument, "ld", name, " is ", ld, ", must be >= ", least, " (", layout_name(p.layout), ", ",
         static_cast<char>(name - 'a' + 'A'), transpose == Transpose::none ? " not transposed)" : " transposed)");
  }
  operand.offset = static_cast<std::uint64_t>(offset);
  operand.stride = static_cast<std::uint64_t>(stride);
  // To a real type the conjugate transpose is the transpose.
  const bool is_complex = p.type == DataType::c64 || p.type == DataType::c128;
  operand.transpose = transpose == Transpose::conj && !is_complex ? Transpose::trans : transpose;
  return operand;
}

// Where the matrices end, if they have elements. What passes here fits 64 bits in bytes too.
void find_end(char name, GemmOperand &operand, std::uint64_t batch_count, std::size_t element) {
  if (operand.lines == 0 || operand.length == 0) return;
  const Wide end = Wide(operand.offset) + Wide(batch_count - 1) * operand.stride +
                   Wide(operand.lines - 1) * operand.ld + operand.length;
  if (end > Wide(INT64_MAX) / element)
    fail(Status::overflow, "the end of ", name, " does not fit 64 bits: ", name, "_offset ", operand.offset, " + ",
         batch_count - 1, " * ", name, "_stride ", operand.stride, " + ", operand.lines - 1, " * ld", name, " ",
         operand.ld, " + ", operand.length, " elements of ", element, " bytes");
  operand.end = static_cast<std::uint64_t>(end);
}

// Products may lie one after the other, or side by side within the leading dimension.
void check_products_apart(const GemmOperand &c, std::uint64_t batch_count) {
  if (batch_count < 2) return;
  const Wide extent = Wide(c.lines - 1) * c.ld + c.length;
  if (c.stride >= extent) return;
  if (c.stride >= c.length && Wide(batch_count - 1) * c.stride + c.length <= c.ld) return;
  fail(Status::invalid_argument, "c_stride is ", c.stride, ", must be >= ", static_cast<std::uint64_t>(extent),
       " so that the ", batch_count, " products of the batch do not overlap in c");
}

std::complex<double> rounded(double real, double imaginary, bool is_double) {
  if (is_double) return {real, imaginary};
  return {static_cast<double>(static_cast<float>(real)), static_cast<double>(static_cast<float>(imaginary))};
}

// Binds one matrix and moves its offsets from the slice to the memory object.
void bind(char name, GemmOperand &operand, Queue &queue, Buffer &buffer, std::size_t element, const char *type) {
  if (&buffer.context() != &queue.context())
    fail(Status::context_mismatch, "queue and ", name, " are of different contexts");
  if (operand.end == 0) return;  // empty, or not read
  const std::uint64_t bytes = operand.end * element;
  if (bytes > buffer.size())
    fail(Status::out_of_range, name, " reaches byte ", bytes, " of its buffer, which has ", buffer.size(), " (", name,
         "_offset ", operand.offset, ", ld", name, " ", operand.ld, ", ", operand.lines, " lines of ", operand.length,
         " elements of ", element, " bytes)");
  if (buffer.offset() % element)
    fail(Status::misaligned, name, " is a slice that starts at byte ", buffer.offset(),
         " of its buffer, must be a multiple of ", element, ", the size of ", type);
  operand.buffer = &buffer;
  operand.offset += buffer.offset() / element;
  operand.end += buffer.offset() / element;
}

void check_apart(const GemmOperand &c, char name, const GemmOperand &other, std::size_t element) {
  if (c.buffer->root() != other.buffer->root() || c.offset >= other.end || other.offset >= c.end) return;
  fail(Status::overlap, "c shares bytes with ", name, ": c has bytes ", c.offset * element, " to ", c.end * element,
       " and ", name, " bytes ", other.offset * element, " to ", other.end * element, " of one buffer");
}

}  // namespace

GemmTask make_gemm_task(const GemmProblem &p) {
  check_enums(p);
  GemmTask task;
  task.type = p.type;
  check_numbers(p, task.is_complex());
  task.m = static_cast<std::uint64_t>(p.m);
  task.n = static_cast<std::uint64_t>(p.n);
  task.k = static_cast<std::uint64_t>(p.k);
  task.batch_count = static_cast<std::uint64_t>(p.batch_count);
  task.alpha = rounded(p.alpha_real, p.alpha_imag, task.is_double());
  task.beta = rounded(p.beta_real, p.beta_imag, task.is_double());
  task.a = place('a', p, p.m, p.k, p.transpose_a, p.lda, p.a_offset, p.a_stride);
  task.b = place('b', p, p.k, p.n, p.transpose_b, p.ldb, p.b_offset, p.b_stride);
  task.c = place('c', p, p.m, p.n, Transpose::none, p.ldc, p.c_offset, p.c_stride);
  if (!task.nothing_to_do()) {
    const std::size_t element = size_of(p.type);
    if (!task.only_scales()) {
      find_end('a', task.a, task.batch_count, element);
      find_end('b', task.b, task.batch_count, element);
    }
    find_end('c', task.c, task.batch_count, element);
    check_products_apart(task.c, task.batch_count);
  }
  if (p.layout == Layout::column_major) {
    // In memory, a column-major matrix is its row-major transpose, and C^T = op(B)^T * op(A)^T: the same flags serve.
    std::swap(task.a, task.b);
    std::swap(task.m, task.n);
  }
  return task;
}

void bind_gemm_buffers(GemmTask &task, const GemmProblem &problem, Queue &queue, Buffer *a, Buffer *b, Buffer &c) {
  const bool swapped = problem.layout == Layout::column_major;
  GemmOperand &task_a = swapped ? task.b : task.a, &task_b = swapped ? task.a : task.b;
  const std::size_t element = size_of(task.type);
  const char *type = name_of(task.type);
  const bool reads = !task.nothing_to_do() && !task.only_scales();
  if (reads && !a) fail(Status::null_argument, "a is NULL, but it is read: neither alpha nor k is 0");
  if (reads && !b) fail(Status::null_argument, "b is NULL, but it is read: neither alpha nor k is 0");
  if (a) bind('a', task_a, queue, *a, element, type);
  if (b) bind('b', task_b, queue, *b, element, type);
  bind('c', task.c, queue, c, element, type);
  if (!reads) return;
  check_apart(task.c, 'a', task_a, element);
  check_apart(task.c, 'b', task_b, element);
}

}  // namespace gpucompute
