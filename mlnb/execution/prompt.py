"""A kernel's client that knows at once when the kernel is ready."""

from contextlib import suppress
from queue import Empty
from time import monotonic

from jupyter_client.asynchronous.client import AsyncKernelClient


class PromptClient(AsyncKernelClient):
    """Asks whether a kernel is ready without waiting for silence afterwards.

    jupyter_client's waits until nothing has come for 0.2 s. Here the kernel is ready once the
    answer and all that was published of it have come; nbclient passes over what it did not ask for.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers and what it publishes arrives.

        Raises
        ------
        RuntimeError
            If it dies, or ``timeout`` seconds pass.
        """
        end = monotonic() + (float("inf") if timeout is None else timeout)
        while monotonic() < end:
            asked = self.kernel_info()
            with suppress(Empty):
                reply = await self.shell_channel.get_msg(timeout=1)
                while True:  # nothing comes while the subscription is on its way: ask again
                    message = await self.iopub_channel.get_msg(timeout=0.2)
                    if message["parent_header"].get("msg_id") == asked and (
                        message["content"].get("execution_state") == "idle"
                    ):
                        self._handle_kernel_info_reply(reply)
                        return
            if not await self.is_alive():
                raise RuntimeError("it died before it answered")
        raise RuntimeError(f"it did not answer within {timeout} seconds")
