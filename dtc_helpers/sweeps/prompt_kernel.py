"""Kernel whose start and end are noticed at once.

Jupyter's own client ends its start by waiting 0.2 s in vain for more messages, tries a socket that does not exist yet
every 0.1 s, and looks every 0.1 s whether a kernel has ended.
"""

import math
import time
from queue import Empty

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type, default

_LOOK_EVERY_SECONDS = 0.01


class PromptClient(AsyncKernelClient):
    """Client that is ready as soon as the kernel has answered on both channels."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        while not await self._has_answered():
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > end:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    wait_for_ready = _async_wait_for_ready

    async def _has_answered(self) -> bool:
        """Ask once; the end of the answer is the message that the kernel is idle again."""
        request = self.kernel_info()
        try:
            reply = await self.shell_channel.get_msg(timeout=1)
            while not _ends(await self.iopub_channel.get_msg(timeout=0.2), request):
                pass
        except Empty:  # not running yet, or its messages are not heard yet
            return False
        self._handle_kernel_info_reply(reply)
        return True


class PromptManager(AsyncKernelManager):
    """Manager that looks often whether its kernel has ended."""

    client_factory = Type(PromptClient)

    @default("context")
    def _quickly_connecting_context(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, int(1000 * _LOOK_EVERY_SECONDS))
        return context

    async def _async_wait(self, pollinterval: float = _LOOK_EVERY_SECONDS) -> None:
        await super()._async_wait(min(pollinterval, _LOOK_EVERY_SECONDS))


def _ends(message: dict, request: str) -> bool:
    return message["parent_header"].get("msg_id") == request and message["content"].get("execution_state") == "idle"
