"""Warm kernels: a parent process that has imported everything and forks ready children.

A *zygote* serves one interpreter, one set of environment variables that matter at import, and one
list of modules to import ahead. It is started on demand, listens on a Unix socket that only its
owner can open, and ends by itself some time after its last child.

`mlnb.execution.warm.client` is the way in; it imports the standard library only::

    from mlnb.execution.warm import client

    child = client.fork("run", {"notebook": "a.ipynb"}, cwd=folder, env=dict(os.environ))
    code = child.wait(timeout=60)      # as Popen: -9 for SIGKILL
    child.reason                       # "" or why it ended: "it was killed by SIGKILL (…)"

Kinds of children:

``"run"``
    Calls ``mlnb.execution.inprocess.main(request)`` and ends with what it returns (None is 0).
    ``request["fds"]`` are the numbers, in the child, of the descriptors that were passed as
    ``fds``. If that module has a function ``prepare()``, the zygote calls it once before it forks;
    it must start no thread and open no file.
``"kernel"``
    Becomes an ipykernel with ``request["connection_file"]``; ``child.wait_ready()`` returns once
    its sockets are bound. ``request["arguments"]`` are further ones of its command line.

The protocol
------------
One connection per child: when it closes, the zygote ends the child (unless ``independent``). A
frame is four bytes of length (big-endian) and JSON in UTF-8. The
client sends one of

``{"op": "fork", "kind", "request", "argv", "cwd", "env", "limits", "independent"}``
    with stdin, stdout, stderr, the reading end of a pipe whose other end the client keeps (a
    kernel whose zygote has died ends with it), and further descriptors beside its first byte;
    then ``{"op": "signal", "signal": N}`` any number of times, for the child's process group.
``{"op": "status"}`` · ``{"op": "warm"}`` (answered when all modules are imported) ·
``{"op": "stop"}``

and is answered, to a fork, by ``{"pid": N, "how": "fork"|"spawn", "why"}`` with a pidfd beside
it, or ``{"stale": why}`` (the zygote retires; start another), or ``{"error": why}``. Later come
``{"ready": true}`` (a kernel has bound its sockets) and at last
``{"exit": code, "signal": N, "reason": text, "peak_bytes": N, "cpu_seconds": S}``.
"""
