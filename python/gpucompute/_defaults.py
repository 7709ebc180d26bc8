"""The default device, context and queue: made on first use, never at import, once for all threads."""
from __future__ import annotations

from typing import Any

from ._lock import Lock
from .context import Context
from .device import Device
from .queue import Queue

_lock = Lock()
_contexts: dict[int, Context] = {}  # by cl_device_id: one for each device that was asked for
_default: Context | None = None


def default_device() -> Device:
    """The device that GPUC_DEVICE says, else the best there is."""
    return default_context().device


def default_context() -> Context:
    """The context of the default device. The same object each time, until it is closed."""
    global _default
    context = _default
    if context is None or context.closed:
        context = _default = context_for(Device())
    return context


def default_queue() -> Queue:
    """The in-order queue of the default context, which is used wherever no queue is given."""
    return default_context().queue


def context_for(device: Device) -> Context:
    key = device.int_ptr
    with _lock:
        context = _contexts.get(key)
        if context is None or context.closed:
            context = _contexts[key] = Context(device)
        return context


def context_of(owner: Any) -> Context:
    """The context that an argument stands for: a Context; a Device's own; that of a Queue, Buffer, ...; None: the default one."""
    if owner is None:
        return default_context()
    if isinstance(owner, Context):
        return owner
    context = getattr(owner, "context", None)
    if isinstance(context, Context):
        return context
    raise TypeError(f"context must be a Context, a Device, a Queue or None; got {type(owner).__name__}")


def queue_of(queue: Any, owner: Any = None) -> Queue:
    """The queue that an argument stands for; None: that of the owner's context; a Context's or a Device's own."""
    if queue is None:
        return context_of(owner).queue
    if isinstance(queue, Queue):
        return queue
    own = getattr(queue, "queue", None)
    if isinstance(own, Queue):
        return own
    raise TypeError(f"queue must be a Queue or None; got {type(queue).__name__}")
