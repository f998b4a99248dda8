"""`unwedgectl inspect` on a real QEMU: who waits for whom, named frames, and a target that goes on."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import unittest

from harness import BIN, DaemonTest, until


def states(pid):
    """Of all threads: S, R, T, t, ..."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            found[int(task.name)] = (task / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            pass
    return found


def tracers(pid):
    return {line for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for line in (task / "status").read_text().splitlines() if line.startswith("TracerPid:")}


class Inspect(DaemonTest):
    def setUp(self):
        super().setUp()
        self.qemu = self.start_qemu()
        self.start_daemon()
        self.until_state("healthy")

    def goes_on(self):
        self.assertFalse(set(states(self.qemu.pid).values()) & {"T", "t"})
        self.assertEqual(tracers(self.qemu.pid), {"TracerPid:\t0"})
        before = self.vm()["qmp"]["last_reply_ms"]
        until("it answers again", lambda: self.vm()["qmp"]["last_reply_ms"] < 1500, 5)
        self.assertIsNotNone(before)
        self.assertEqual(self.vm()["state"], "healthy")

    def test_draws_the_wait_chain_and_every_thread(self):
        done = self.ctl("inspect", "vm1")
        self.assertEqual(done.returncode, 0, done.stderr)
        for part in ("vm1  healthy for", f"process {self.qemu.pid}", "Wait chain", "main thread) sleeps in ppoll of",
                     "anon_inode:[signalfd]", "TID", "NAME", "CPU", "DOES", "IO mon_iothread", " %"):
            self.assertIn(part, done.stdout)
        self.assertNotIn("#0", done.stdout)

    def test_shows_named_frames_and_how_long_it_stood_still(self):
        done = self.ctl("inspect", "vm1", "--stacks")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"#0 \S+\+0x[0-9a-f]+ in libc")
        self.assertRegex(done.stdout, r"#\d+ main\S*\+0x|#\d+ qemu_\S+\+0x[0-9a-f]+ in qemu-system")
        self.assertRegex(done.stdout, r"\d+ threads, taken within [0-9.]+ ms; all their stops added up: [0-9.]+ ms")
        self.goes_on()

    def test_gives_the_same_as_json(self):
        seen = self.ask("inspect", "vm1", "--stacks")
        self.assertEqual(seen["name"], "vm1")
        tids = {t["tid"] for t in seen["sample"]["threads"]}
        self.assertEqual(tids, set(states(self.qemu.pid)))
        self.assertEqual({t["tid"] for t in seen["stacks"]["threads"]}, tids)
        self.assertEqual(seen["stacks"]["threads"][0]["tid"], self.qemu.pid)
        self.assertTrue(all("cpu_percent" in t for t in seen["sample"]["threads"]))

    def test_an_unknown_vm_is_a_failure(self):
        done = self.ctl("inspect", "vm2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("vm1", done.stderr)

    def helpers(self):
        """The helpers of our own daemon's, which is a child of ours."""
        found = []
        for folder in pathlib.Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and os.readlink(folder / "exe") == str((BIN / "unwedge-inspect").resolve()) \
                        and f"\0{self.qemu.pid}\0" in (folder / "cmdline").read_text():
                    found.append(int(folder.name))
            except OSError:
                pass
        return found

    def test_a_helper_killed_in_the_middle_leaves_it_running(self):
        killed = 0
        for i in range(8):
            asked = subprocess.Popen([BIN / "unwedgectl", "--runtime-dir", self.runtime, "inspect", "vm1", "--stacks"],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            end = time.monotonic() + 10
            while asked.poll() is None and time.monotonic() < end:
                for pid in self.helpers():
                    time.sleep(0.002 * i)
                    try:
                        fd = os.pidfd_open(pid)
                    except ProcessLookupError:
                        continue
                    try:
                        signal.pidfd_send_signal(fd, signal.SIGKILL)
                        killed += 1
                    except ProcessLookupError:
                        pass
                    finally:
                        os.close(fd)
            self.assertIn(asked.wait(10), (0, 1))
            asked.communicate()
            self.goes_on()
        self.assertGreater(killed, 3)
        self.assertEqual(self.ctl("inspect", "vm1", "--stacks").returncode, 0)

    def test_two_at_once_do_not_disturb_each_other(self):
        results = []
        run = lambda: results.append(self.ctl("inspect", "vm1", "--stacks"))
        both = [threading.Thread(target=run) for _ in range(2)]
        for t in both:
            t.start()
        for t in both:
            t.join()
        for done in results:
            self.assertTrue(done.returncode == 0 or "being inspected already" in done.stderr, done.stderr)
        self.assertIn(0, [done.returncode for done in results])
        self.goes_on()


class Stopped(DaemonTest):
    def test_one_that_is_stopped_is_shown_so_and_stays_so(self):
        qemu = self.start_qemu()
        self.start_daemon()
        self.until_state("healthy")
        qemu.send_signal(signal.SIGSTOP)
        self.until_state("stalled")
        done = self.ctl("inspect", "vm1")
        self.assertIn("is stopped", done.stdout)
        self.ctl("inspect", "vm1", "--stacks")
        self.assertEqual(set(states(qemu.pid).values()), {"T"})
        incident = self.ask("incidents")[0]["id"]
        folder = self.state / "incidents" / incident
        self.assertFalse((folder / "stacks.json").exists(), "a stopped one's stacks say nothing")
        self.assertTrue(json.loads((folder / "evidence.json").read_text())["samples"])


if __name__ == "__main__":
    unittest.main()
