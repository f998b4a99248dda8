"""^C and a polite kill end the lab in order: every run is cancelled and cleans up on its way out."""

import asyncio
import signal

EXIT_STATUS = 130


def cancel_on_signals() -> None:
    """To be called by the main coroutine. Without it, PR_SET_PDEATHSIG still leaves no process behind."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
