"""Cores of a real QEMU under TCG: what is kept of it, what is left out, what the VM pays, and who may ask for it."""

import json
import pathlib
import re
import socket
import subprocess
import unittest

from harness import BIN, DaemonTest, until

MIB = 1 << 20
PATTERN = b"Unwedge: nothing of the guest belongs into a core. "


def own(functions):
    """Those of QEMU and glib: libc's have a name for each of gdb and elfutils."""
    return [f for f in functions if not f.startswith("_") and f not in ("poll", "ppoll", "clone3")]


def core_pattern():
    return pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()


class Cores(DaemonTest):
    def settings(self, authority="protect", more="", min_free="0B", policies="/nonexistent"):
        self.configure(f'authority = "{authority}"\n{more}\n[discover]\nsockets = ["{self.folder}/*.sock"]\n[core]\n'
                       f'min_free = "{min_free}"\n[policies]\nadmin = "{policies}"\n')

    def start_vm(self, dumped=False):
        """A guest of 64 MiB that runs."""
        machine = "pc,accel=tcg" + ("" if dumped else ",dump-guest-core=off")
        qemu = self.spawn("qemu-system-x86_64", "-name", "guest=vm1,debug-threads=on", "-machine", machine, "-m", "64",
                          "-smp", "2", "-nodefaults", "-display", "none", "-qmp",
                          f"unix:{self.folder}/vm1.sock,server=on,wait=off", "-object", "iothread,id=io0", "-qmp",
                          f"unix:{self.folder}/own,server=on,wait=off",
                          cwd=self.folder)
        return qemu

    def begin(self, dumped=False, **settings):
        self.settings(**settings)
        qemu = self.start_vm(dumped)
        self.daemon = self.start_daemon()
        self.until_state("healthy")
        self.fill_guest(qemu.pid)
        return qemu

    def fill_guest(self, pid):
        """PATTERN into the guest's memory and nowhere else: what QEMU loads itself it also keeps in its heap."""
        text = pathlib.Path(f"/proc/{pid}/maps").read_text()
        ram = [b for b, e in re.findall(r"^(\w+)-(\w+) rw", text, flags=re.M) if int(e, 16) - int(b, 16) == 64 * MIB]
        self.assertEqual(len(ram), 1, text)
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(int(ram[0], 16) + 16 * MIB)
            memory.write(PATTERN * (8 * MIB // len(PATTERN)))

    def holds_pattern(self, path):
        return PATTERN in path.read_bytes()

    def act(self, *command):
        done = self.ctl("--json", "act", "vm1", *command)
        return done.returncode, json.loads(done.stdout) if done.stdout else {"text": done.stderr}

    def incident(self):
        found = self.ask("incidents")
        return self.ask("incident", found[0]["id"]) if found else None

    def files(self):
        return sorted(p.name for p in (self.state / "incidents").glob("*/*") if "core-" in p.name)

    @staticmethod
    def filter_of(pid):
        return int(pathlib.Path(f"/proc/{pid}/coredump_filter").read_text(), 16)

    @staticmethod
    def limit_of(pid):
        return re.search(r"Max core file size\s+(\S+)", pathlib.Path(f"/proc/{pid}/limits").read_text()).group(1)

    def test_flags_a_process_for_the_kernels_core(self):
        qemu = self.begin()
        subprocess.run(["prlimit", "--core=0:", "--pid", str(qemu.pid)], check=True)
        self.assertFalse(self.vm()["core_flagged"])
        status, result = self.act("flag-core")
        self.assertEqual(status, 0, result)
        self.assertEqual((self.filter_of(qemu.pid), self.limit_of(qemu.pid)), (0x11, "unlimited"))
        self.assertTrue(self.vm()["core_flagged"])
        self.assertIn("of guest memory", result["plan"])
        closed = until("closed", lambda: (i := self.incident()) and i["closed"] and i)
        self.assertEqual((closed["condition"], closed["outcome"]), ("operator-request", "observed"))
        self.assertEqual([(s["action"], s["result"]) for s in closed["steps"]], [("flag-core", "done")])
        self.assertEqual(self.act("flag-core")[0], 0)  # twice is no more than once

    def test_does_not_flag_a_process_whose_guest_memory_the_kernel_would_keep(self):
        qemu = self.begin(dumped=True)
        before = self.filter_of(qemu.pid), self.limit_of(qemu.pid)
        status, result = self.act("flag-core")
        self.assertEqual(status, 1)
        self.assertIn("dump-guest-core=off", result["text"])
        self.assertEqual((self.filter_of(qemu.pid), self.limit_of(qemu.pid)), before)
        self.assertEqual(self.act("flag-core", "--with-ram")[0], 0)
        self.assertEqual(self.filter_of(qemu.pid), 0x11)

    def functions_by_eu_stack(self, pid):
        text = subprocess.run(["eu-stack", "-p", str(pid)], capture_output=True, text=True).stdout
        parts = re.split(r"^TID (\d+):", text, flags=re.M)[1:]
        return {int(tid): re.findall(r"^#\d+\s+0x[0-9a-f]+ (?:- 1 )?([A-Za-z_]\w*)", body, flags=re.M)
                for tid, body in zip(parts[::2], parts[1::2])}

    def functions_in(self, core):
        text = subprocess.run(["gdb", "-q", "-batch", "-nx", "-ex", "thread apply all backtrace",
                               "/usr/bin/qemu-system-x86_64", str(core)], capture_output=True, text=True,
                              timeout=240).stdout
        parts = re.split(r"^Thread \d+ \(.*?LWP (\d+)\)?.*$", text, flags=re.M)[1:]
        return {int(tid): re.findall(r"^#\d+\s+(?:0x[0-9a-f]+ in )?([A-Za-z_]\w*) \(", body, flags=re.M)
                for tid, body in zip(parts[::2], parts[1::2])}, text

    def test_takes_a_core_of_a_running_vm_that_gdb_reads_and_that_holds_nothing_of_the_guest(self):
        qemu = self.begin(dumped=True)
        status, result = self.act("core", "--yes")
        self.assertEqual(status, 0, result)
        self.assertRegex(result["text"], r"The VM stood still for \d+\.\d ms")
        self.goes_on(qemu)
        [name] = self.files()
        [packed] = (self.state / "incidents").glob(f"*/{name}")
        self.assertEqual(packed.stat().st_mode & 0o777, 0o600)
        core = self.folder / "core"
        subprocess.run(["zstd", "-q", "-d", packed, "-o", core], check=True)
        self.assertFalse(self.holds_pattern(core))
        seen, text = self.functions_in(core)
        threads = {int(p.name) for p in pathlib.Path(f"/proc/{qemu.pid}/task").iterdir()}
        self.assertEqual(set(seen), threads, text)
        live = self.functions_by_eu_stack(qemu.pid)
        polling = [t for t in threads if live[t][:1] in (["poll"], ["ppoll"])]
        self.assertIn(qemu.pid, polling, live)
        for tid in polling:  # the others are at work, or sleep for a moment: they are elsewhere by now
            self.assertEqual(own(seen[tid]), own(live[tid]), text)

    def test_a_disk_that_fills_up_leaves_nothing_and_is_said(self):
        qemu = self.begin()
        small = self.folder / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", small], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", small])
        start_time = pathlib.Path(f"/proc/{qemu.pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
        done = subprocess.run([BIN / "unwedge-core", "core", "--pid", str(qemu.pid), "--start-time", start_time,
                               "--folder", small, "--name", "core-x.zst", "--min-free", "0"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(json.loads(done.stdout)["error"], "(?i)space")
        self.assertEqual(list(small.iterdir()), [])
        self.goes_on(qemu)

    def test_a_disk_with_too_little_free_is_left_alone(self):
        self.state.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", self.state], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.state])
        qemu = self.begin(min_free="1GiB")
        status, result = self.act("core", "--yes")
        self.assertEqual(status, 1)
        self.assertRegex(result["text"], "^failed: .*free")
        self.assertEqual(self.files(), [])
        incident = until("closed", lambda: (i := self.incident()) and i["closed"] and i)
        self.assertEqual(incident["outcome"], "failed")
        self.goes_on(qemu)

    def goes_on(self, qemu):
        self.assertIsNone(qemu.poll())
        until("the VM goes on", lambda: self.vm()["state"] == "healthy" and self.vm()["run_state"] == "running")

    def test_says_what_it_would_mean_and_does_nothing_without_yes(self):
        self.begin(authority="destroy")
        for action in ("core", "abort"):
            status, result = self.act(action)
            self.assertEqual(status, 1)
            self.assertIn("--yes", result["text"])
            self.assertIn("stops the VM for about", result["plan"])
        self.assertEqual((self.files(), self.ask("incidents")), ([], []))

    def refuses(self, *command, why):
        status, result = self.act(*command)
        self.assertEqual(status, 1, result)
        self.assertIn("refused", result["text"])
        self.assertIn(why, result["text"])

    def test_authority_hold_and_dry_run_bind_an_operator_too(self):
        qemu = self.begin(authority="observe")
        self.refuses("flag-core", why="protect")
        self.settings("protect")
        self.assertEqual(self.ctl("reload").returncode, 0)
        self.refuses("abort", "--yes", why="destroy")
        self.assertEqual(self.ctl("hold", "vm1", "--reason", "moving").returncode, 0)
        self.refuses("core", "--yes", why="moving")
        self.ctl("release", "vm1")
        self.settings("destroy", more="dry_run = true")
        self.assertEqual(self.ctl("reload").returncode, 0)
        self.refuses("abort", "--yes", why="dry run")
        self.assertIsNone(qemu.poll())
        self.assertNotEqual(self.filter_of(qemu.pid), 0x11)
        self.assertEqual(self.ask("incidents"), [])

    @unittest.skipIf(core_pattern().startswith(("|", "@", "/")), "core_pattern leads out of the test's folder")
    def test_abort_ends_the_vm_with_the_kernels_core_where_it_says(self):
        qemu = self.begin(authority="destroy")
        status, result = self.act("abort", "--yes")
        self.assertEqual(status, 0, result)
        self.assertIn(f"{self.folder}/{core_pattern()}", result["text"])
        self.assertEqual(qemu.wait(10), -6)
        [core] = [p for p in self.folder.glob("core*")]
        self.assertFalse(self.holds_pattern(core))

    def test_abort_takes_the_core_itself_where_the_kernel_would_keep_guest_memory(self):
        qemu = self.begin(dumped=True, authority="destroy")
        status, result = self.act("abort", "--yes")
        self.assertEqual(status, 0, result)
        self.assertEqual(qemu.wait(10), -6)
        self.assertEqual(len(self.files()), 1)
        self.assertEqual(list(self.folder.glob("core*")), [])

    def hang(self):
        """A server of a disk that says nothing: the main loop waits for its greeting in a nested poll, for ever."""
        silent = socket.socket()
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        self.addCleanup(silent.close)
        own_monitor = socket.socket(socket.AF_UNIX)
        own_monitor.connect(str(self.folder / "own"))
        self.addCleanup(own_monitor.close)
        server = {"type": "inet", "host": "127.0.0.1", "port": str(silent.getsockname()[1])}
        for command in ({"execute": "qmp_capabilities"},
                        {"execute": "blockdev-add", "arguments": {"driver": "nbd", "node-name": "d0", "server": server}}):
            own_monitor.sendall(json.dumps(command).encode())
        self.until_state("stalled", seconds=15)

    def begin_with_policy(self, ladder, authority="destroy", **more):
        (self.folder / "policies.d").mkdir()
        (self.folder / "policies.d" / "monitor-stall.toml").write_text(
            f'condition = "monitor-stalled"\nauthority = "{authority}"\nladder = [{ladder}]\n')
        return self.begin(authority=authority, policies=self.folder / "policies.d", **more)

    def steps(self):
        incident = self.incident()
        return [(s["action"], s["result"]) for s in incident["steps"]] if incident else []

    def test_a_policy_takes_a_core_of_a_vm_that_hangs_and_the_vm_hangs_on(self):
        qemu = self.begin_with_policy('{ action = "yank-root" }, { action = "core" }', "protect")
        self.hang()
        until("a core was taken", lambda: ("core", "done") in self.steps(), 20)
        self.assertEqual(len(self.files()), 1)
        self.assertTrue(any("The VM stood still for" in n["text"] for n in self.incident()["notes"]))
        self.assertIsNone(qemu.poll())
        status, result = self.act("core", "--yes")  # an operator's, in the same incident
        self.assertEqual(status, 0, result)
        self.assertEqual(self.steps(), [("core", "done"), ("core", "done")])
        self.assertEqual(len(self.ask("incidents")), 1)

    def test_a_policy_ends_a_vm_that_hangs_with_a_core_if_it_may(self):
        qemu = self.begin_with_policy('{ action = "core" }, { action = "abort" }', dumped=True)
        self.hang()
        until("it has ended", lambda: qemu.poll() is not None, 20)
        self.assertEqual(qemu.poll(), -6)
        self.assertTrue(self.files())
        ended = until("on record", lambda: [i for i in self.ask("incidents") if i["condition"] == "monitor-stalled" and
                                            i["closed"]])
        steps = self.ask("incident", ended[0]["id"])["steps"]
        self.assertEqual([s["action"] for s in steps], ["core", "abort"])
        self.assertEqual(list(self.folder.glob("core*")), [])

    def test_a_restart_closes_what_an_operators_act_left_open(self):
        """Killed with a core under way: the VM runs on, nothing half is left, and the incident is closed later."""
        qemu = self.begin()
        for _ in range(5):
            asks = self.spawn(BIN / "unwedgectl", "--runtime-dir", self.runtime, "act", "vm1", "core", "--yes",
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until("it is begun", lambda: self.ask("incidents") or asks.poll() is not None, 5)
            self.daemon.kill()
            self.daemon.wait()
            asks.wait(10)
            self.daemon = self.start_daemon()
            self.goes_on(qemu)
        self.assertTrue(until("all are closed", lambda: all(i["closed"] for i in self.ask("incidents"))))
        tracer = re.search(r"TracerPid:\s+(\d+)", pathlib.Path(f"/proc/{qemu.pid}/status").read_text()).group(1)
        self.assertEqual(tracer, "0")
        self.assertEqual([n for n in self.files() if n.endswith(".part")], [])

    def test_no_policy_ends_a_vm_whose_authority_is_less(self):
        qemu = self.begin_with_policy('{ action = "abort" }')
        self.settings("protect", policies=self.folder / "policies.d")
        self.assertEqual(self.ctl("reload").returncode, 0)
        self.hang()
        until("on record", lambda: self.steps() == [("abort", "observed")])
        self.assertIsNone(qemu.poll())


if __name__ == "__main__":
    unittest.main()
