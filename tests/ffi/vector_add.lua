-- c = a + scale * b through LuaJIT's FFI; then what a script sees when something goes wrong.
-- GPUC_LIBRARY is the library, GPUC_CDEF its declarations.
local ffi = require("ffi")

local function setting(name)
  return os.getenv(name) or error(name .. " is not set")
end

local file = assert(io.open(setting("GPUC_CDEF")))
ffi.cdef(file:read("*a"))
file:close()
local lib = ffi.load(setting("GPUC_LIBRARY"))

local function check(status)
  if status ~= lib.GPUC_OK then
    error(ffi.string(lib.gpuc_status_name(status)) .. ": " .. ffi.string(lib.gpuc_last_error_message()), 2)
  end
end

-- A handle that Lua's collector releases.
local function give(kind, call, ...)
  local out = ffi.new("gpuc_" .. kind .. " *[1]")
  local arguments = {...}
  arguments[select("#", ...) + 1] = out
  check(call(unpack(arguments, 1, select("#", ...) + 1)))
  return ffi.gc(out[0], lib["gpuc_" .. kind .. "_release"])
end

local count = 100003
local source = [[
kernel void add(global const float *a, global const float *b, global float *c, float scale) {
  size_t i = get_global_id(0);
  c[i] = a[i] + scale * b[i];
}]]

local options = ffi.new("gpuc_proque_options")
check(lib.gpuc_proque_options_init(options, ffi.sizeof(options)))
options.dims = 1
options.size[0] = count
local proque = give("proque", lib.gpuc_proque_create, source, #source, options)
local a = give("buffer", lib.gpuc_proque_create_buffer, proque, lib.GPUC_TYPE_F32)
local b = give("buffer", lib.gpuc_proque_create_buffer, proque, lib.GPUC_TYPE_F32)
local c = give("buffer", lib.gpuc_proque_create_buffer, proque, lib.GPUC_TYPE_F32)
local host_a, host_b, host_c = ffi.new("float[?]", count), ffi.new("float[?]", count), ffi.new("float[?]", count)
for i = 0, count - 1 do
  host_a[i], host_b[i] = i, 2 * i
end
check(lib.gpuc_proque_write(proque, a, host_a))
check(lib.gpuc_proque_write(proque, b, host_b))

local args = ffi.new("gpuc_arg[4]")
for i, buffer in ipairs({a, b, c}) do
  args[i - 1].kind = lib.GPUC_ARG_BUFFER
  args[i - 1].value.buffer = buffer
end
args[3].kind, args[3].type, args[3].value.f32 = lib.GPUC_ARG_SCALAR, lib.GPUC_TYPE_F32, 0.5
check(lib.gpuc_proque_launch(proque, "add", args, 4, nil, 0, nil))
check(lib.gpuc_proque_read(proque, c, host_c))
local wrong = 0
for i = 0, count - 1 do
  if host_c[i] ~= 2 * i then wrong = wrong + 1 end
end
print(string.format("vector add: %d elements, %d wrong", count, wrong))

-- A handle fits the 47 bits that LuaJIT has for a pointer, and a double: it survives the way through a number.
local number = tonumber(ffi.cast("uintptr_t", c))
local again = ffi.cast("gpuc_buffer *", number)
local size = ffi.new("size_t[1]")
check(lib.gpuc_buffer_get_size(again, size))
print(string.format("handle: %s, %d bytes", number < 2 ^ 47 and "below 2^47" or "too large", tonumber(size[0])))

-- A failure is a status and a sentence, which pcall brings to the script.
local ok, message = pcall(function() check(lib.gpuc_proque_launch(proque, "sub", args, 4, nil, 0, nil)) end)
print("unknown kernel: " .. (ok and "accepted" or message))
ok, message = pcall(function() check(lib.gpuc_proque_launch(proque, "add", args, 3, nil, 0, nil)) end)
print("missing argument: " .. (ok and "accepted" or message))

-- A released handle is refused.
lib.gpuc_buffer_release(ffi.gc(c, nil))
ok, message = pcall(function() check(lib.gpuc_proque_read(proque, c, host_c)) end)
print("released handle: " .. (ok and "accepted" or message))
lib.gpuc_buffer_release(c) -- once too often: nothing happens

-- The collector may release in any order.
proque, a, b, c, again, args = nil, nil, nil, nil, nil, nil
collectgarbage()
collectgarbage()
print("done")
os.exit(wrong == 0 and 0 or 1)
