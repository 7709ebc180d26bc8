"""Platforms and devices."""
import os

import pytest

import gpucompute


def test_platforms():
    platforms = gpucompute.platforms()
    assert platforms
    for platform in platforms:
        assert platform.name and platform.vendor and platform.version.startswith("OpenCL ")
        assert platform.profile == "FULL_PROFILE" and isinstance(platform.extensions, tuple)
        assert gpucompute.Platform.from_int_ptr(platform.int_ptr) == platform
        assert repr(platform.name) in repr(platform)
    assert len(set(platforms)) == len(platforms)


def test_a_platform_that_is_none():
    with pytest.raises(gpucompute.DeviceNotFound, match="0x10"):
        gpucompute.Platform.from_int_ptr(16)


@pytest.mark.parametrize("bad, error", [(0, ValueError), (-1, ValueError), (2**64, ValueError), ("x", TypeError), (1.0, TypeError),
                                        (None, TypeError), (True, TypeError)])
@pytest.mark.parametrize("cls", ["Platform", "Device", "Context", "Queue", "Event", "Buffer", "Program", "Kernel"])
def test_what_is_no_int_ptr_is_refused(cls, bad, error):
    with pytest.raises(error, match="int_ptr"):
        getattr(gpucompute, cls).from_int_ptr(bad)


def test_devices_and_selection():
    devices = gpucompute.devices()
    assert devices and len(set(devices)) == len(devices)
    for index, device in enumerate(devices):
        assert gpucompute.Device(index) == device
        assert gpucompute.Device(device.filter) == device
        assert gpucompute.Device.from_int_ptr(device.int_ptr) == device
        assert device.platform in gpucompute.platforms()
        assert device in gpucompute.devices(device.type)
        assert hash(gpucompute.Device(index)) == hash(device)
    if not os.environ.get("GPUC_DEVICE"):
        assert gpucompute.Device() == devices[0] == gpucompute.default_device()


def test_numpy_integers_are_indices():
    numpy = pytest.importorskip("numpy")
    assert gpucompute.Device(numpy.int64(0)) == gpucompute.devices()[0]


@pytest.mark.parametrize("which, error, match", [
    (10000, gpucompute.OutOfRange, "10000"), (-1, gpucompute.OutOfRange, "-1"), ("no such device at all", gpucompute.DeviceNotFound, "no such"),
    (1.5, TypeError, "float"), (True, TypeError, "bool"), (b"cpu", TypeError, "bytes"), ("a:b:c:d:e", gpucompute.ArgumentError, "a:b:c:d:e"),
    ("x\0y", ValueError, "NUL")])
def test_devices_that_are_none(which, error, match):
    with pytest.raises(error, match=match):
        gpucompute.Device(which)


def test_a_bad_filter():
    with pytest.raises(TypeError, match="filter"):
        gpucompute.devices(5)
    with pytest.raises(gpucompute.ArgumentError):
        gpucompute.devices("cpu:0")  # an index is not for lists


TEXTS = ["name", "vendor", "driver_version", "version", "c_version", "profile", "filter", "type"]
NUMBERS = ["vendor_id", "compute_units", "clock_mhz", "global_memory_bytes", "max_allocation_bytes", "local_memory_bytes", "constant_bytes",
           "cache_bytes", "cache_line_bytes", "max_work_group_size", "address_bits", "slice_alignment_bytes", "timer_resolution_ns",
           "opencl_version", "opencl_c_version", "max_argument_bytes", "vector_width_f32", "vector_width_f64"]
BOOLEANS = ["unified_memory", "out_of_order", "available", "compiler_available", "little_endian", "error_correction"]


def test_properties():
    device = gpucompute.Device(0)
    for name in TEXTS:
        assert isinstance(getattr(device, name), str) and getattr(device, name), name
    for name in ("uuid", "pci_id"):
        assert isinstance(getattr(device, name), str)
    for name in NUMBERS:
        assert isinstance(getattr(device, name), int) and getattr(device, name) >= 0, name
    for name in BOOLEANS:
        assert isinstance(getattr(device, name), bool), name
    assert device.type in ("cpu", "gpu", "accelerator", "custom")
    assert device.global_memory_bytes >= device.max_allocation_bytes > 0 and device.compute_units > 0
    assert len(device.max_work_items) == 3 and all(n > 0 for n in device.max_work_items)
    assert device.opencl_version >= 120 and isinstance(device.extensions, tuple)
    assert device.name in repr(device)


def test_every_property_of_the_header_is_there():
    from gpucompute._library import lib

    names = {name[len("GPUC_DEVICE_"):].lower() for name in dir(lib) if name.startswith("GPUC_DEVICE_")}
    names = {name for name in names if not name.startswith(("type_", "max_work_items_"))}
    missing = {name for name in names if not hasattr(gpucompute.Device, name)}
    assert not missing


def test_capabilities():
    capabilities = gpucompute.Device(0).capabilities
    assert capabilities.fp16 in ("none", "storage", "arithmetic", "math")
    for name in ("fp64", "int64_atomics", "sub_groups", "inline_ptx", "spirv"):
        assert isinstance(getattr(capabilities, name), bool)
    assert "fp16=" in repr(capabilities)


def test_closed():
    device = gpucompute.Device(0)
    device.close()
    device.close()
    assert device.closed and "closed" in repr(device)
    with pytest.raises(gpucompute.StateError, match="this Device is closed"):
        device.name
    with pytest.raises(gpucompute.StateError):
        with device:
            pass
    with gpucompute.Device(0) as other:
        assert other.name
    assert other.closed


def test_the_device_that_the_environment_names(run_python):
    name = gpucompute.Device(0).filter
    out = run_python("import gpucompute; print(gpucompute.default_device().filter)", env={"GPUC_DEVICE": name})
    assert out.strip() == name
    out = run_python("""
        import gpucompute
        try:
            gpucompute.default_queue()
        except gpucompute.DeviceNotFound as error:
            print("none:", error)
        """, env={"GPUC_DEVICE": "no such device", "GPUC_DEVICE_ENFORCE": ""})
    assert out.startswith("none:") and "no such device" in out


def test_the_shape_of_alkomp():
    numpy = pytest.importorskip("numpy")
    device = gpucompute.Device(0)
    kernel = device.compile("twice", "kernel void twice(global uint *x) { x[get_global_id(0)] *= FACTOR; }", defines={"FACTOR": 2})
    values = numpy.arange(100, dtype=numpy.uint32)
    buffer = gpucompute.Buffer(values.nbytes, device)
    buffer.write(values)
    device.run(kernel, 100, buffer)
    assert numpy.array_equal(numpy.frombuffer(buffer.read(), numpy.uint32), 2 * values)
    assert gpucompute.Device(0).context is device.context and device.queue is device.context.queue
