# c = a + scale * b through Ruby's Fiddle; then what a script sees when something goes wrong.
# GPUC_LIBRARY is the library. Fiddle has no unions, so arguments are packed by hand: a gpuc_arg is
# int32 kind, int32 type, uint64 size_bytes and 8 bytes of value.
require "fiddle"
require "fiddle/import"

module Gpuc
  extend Fiddle::Importer
  dlload ENV.fetch("GPUC_LIBRARY")

  GPUC_ARG_BUFFER, GPUC_ARG_SCALAR, GPUC_TYPE_F32 = 1, 2, 10
  typealias "gpuc_status", "int"
  typealias "gpuc_type", "int"
  ProqueOptions = struct [
    "unsigned int struct_size", "unsigned int flags", "const char *device_filter", "void *device", "void *context",
    "const char *source_file", "const char *options", "void *defines", "size_t define_count",
    "unsigned int queue_flags", "unsigned int dims", "size_t size[3]"
  ]
  extern "const char *gpuc_status_name(gpuc_status)"
  extern "const char *gpuc_last_error_message()"
  extern "gpuc_status gpuc_proque_options_init(void *, size_t)"
  extern "gpuc_status gpuc_proque_create(const char *, size_t, void *, void *)"
  extern "gpuc_status gpuc_proque_create_buffer(void *, gpuc_type, void *)"
  extern "gpuc_status gpuc_proque_write(void *, void *, void *)"
  extern "gpuc_status gpuc_proque_read(void *, void *, void *)"
  extern "gpuc_status gpuc_proque_launch(void *, const char *, void *, size_t, void *, size_t, void *)"
  extern "gpuc_status gpuc_buffer_get_size(void *, void *)"
  extern "void gpuc_buffer_release(void *)"
  extern "void gpuc_proque_release(void *)"

  class Error < StandardError; end

  def self.check(status)
    raise Error, "#{gpuc_status_name(status)}: #{gpuc_last_error_message}" unless status.zero?
  end

  # The handle that a call writes through its last parameter.
  def self.give(name, *arguments)
    out = "\0" * Fiddle::SIZEOF_VOIDP
    check(send(name, *arguments, out))
    out.unpack1("J")
  end

  def self.buffer_arg(buffer) = [GPUC_ARG_BUFFER, 0, 0, buffer].pack("l l Q Q")
  def self.f32_arg(value) = [GPUC_ARG_SCALAR, GPUC_TYPE_F32, 0, value].pack("l l Q e x4")
end

COUNT = 100_003
SOURCE = <<~CL
  kernel void add(global const float *a, global const float *b, global float *c, float scale) {
    size_t i = get_global_id(0);
    c[i] = a[i] + scale * b[i];
  }
CL

options = Gpuc::ProqueOptions.malloc(Fiddle::RUBY_FREE)
Gpuc.check Gpuc.gpuc_proque_options_init(options, Gpuc::ProqueOptions.size)
options.dims = 1
options.size = [COUNT, 0, 0]
proque = Gpuc.give(:gpuc_proque_create, SOURCE, SOURCE.bytesize, options)
a, b, c = Array.new(3) { Gpuc.give(:gpuc_proque_create_buffer, proque, Gpuc::GPUC_TYPE_F32) }
Gpuc.check Gpuc.gpuc_proque_write(proque, a, (0...COUNT).to_a.pack("e*"))
Gpuc.check Gpuc.gpuc_proque_write(proque, b, (0...COUNT).map { |i| 2 * i }.pack("e*"))
args = [Gpuc.buffer_arg(a), Gpuc.buffer_arg(b), Gpuc.buffer_arg(c), Gpuc.f32_arg(0.5)].join
Gpuc.check Gpuc.gpuc_proque_launch(proque, "add", args, 4, nil, 0, nil)
host = "\0" * (4 * COUNT)
Gpuc.check Gpuc.gpuc_proque_read(proque, c, host)
wrong = host.unpack("e*").each_with_index.count { |value, i| value != 2 * i }
puts "vector add: #{COUNT} elements, #{wrong} wrong"

# A handle is a plain Ruby integer.
size = "\0" * Fiddle::SIZEOF_SIZE_T
Gpuc.check Gpuc.gpuc_buffer_get_size(Integer(c.to_s), size)
puts "handle: #{c < 2**47 ? 'below 2^47' : 'too large'}, #{size.unpack1('J')} bytes"

# A failure is a status and a sentence, which comes as an exception.
def failure
  yield
  "accepted"
rescue Gpuc::Error => e
  e.message
end

puts "unknown kernel: " + failure { Gpuc.check Gpuc.gpuc_proque_launch(proque, "sub", args, 4, nil, 0, nil) }
puts "missing argument: " + failure { Gpuc.check Gpuc.gpuc_proque_launch(proque, "add", args, 3, nil, 0, nil) }

# A released handle is refused; released once too often, nothing happens.
Gpuc.gpuc_buffer_release(c)
puts "released handle: " + failure { Gpuc.check Gpuc.gpuc_proque_read(proque, c, host) }
Gpuc.gpuc_buffer_release(c)

# In any order.
Gpuc.gpuc_proque_release(proque)
Gpuc.gpuc_buffer_release(a)
Gpuc.gpuc_buffer_release(b)
puts "done"
exit(wrong.zero? ? 0 : 1)
