"""Policies on the real daemon and a real QEMU: holds, reloads, steps that are taken, and taken once."""

import json
import signal
import socket
import time
import unittest

from harness import DaemonTest, until

DISMISS = """
condition = "job-stuck"
states = ["concluded"]
patience = "1s"
ladder = [{ action = "dismiss-job" }]
"""


class Monitor:
    """A QMP client of the test's own."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        until("QEMU listens", lambda: self._connects(path))
        self._lines = self._socket.makefile("r")
        self._lines.readline()
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self._lines.readline())
            if "event" not in answer:
                assert "error" not in answer, answer
                return answer["return"]

    def close(self):
        self._lines.close()
        self._socket.close()

    def _connects(self, path):
        try:
            self._socket.connect(str(path))
            return True
        except OSError:
            return False


class Policies(DaemonTest):
    def setUp(self):
        super().setUp()
        (self.folder / "policies.d").mkdir()

    def settings(self, authority="protect", **policies):
        for name, text in policies.items():
            (self.folder / "policies.d" / f"{name.replace('_', '-')}.toml").write_text(text)
        self.configure(f'authority = "{authority}"\n[discover]\nsockets = ["{self.folder}/*.sock"]\n'
                       f'[policies]\nadmin = "{self.folder}/policies.d"\n')

    def start_vm(self):
        path = self.folder / "own"
        qemu = self.start_qemu("vm1", "-qmp", f"unix:{self.folder}/vm1.sock,server=on,wait=off", "-qmp",
                               f"unix:{path},server=on,wait=off", "-blockdev", "null-co,node-name=a,size=1048576",
                               "-blockdev", "null-co,node-name=b,size=1048576")
        monitor = Monitor(path)
        self.addCleanup(monitor.close)
        return qemu, monitor

    def conclude_a_job(self, monitor):
        monitor("blockdev-backup", **{"job-id": "j0", "device": "a", "target": "b", "sync": "full",
                                      "auto-dismiss": False})
        until("the job has concluded", lambda: [j["status"] for j in monitor("query-jobs")] == ["concluded"])

    def only_incident(self):
        found = self.ask("incidents")
        self.assertLessEqual(len(found), 1, found)
        return self.ask("incident", found[0]["id"]) if found else None

    def test_takes_the_step_that_a_policy_asks_for(self):
        self.settings(stuck_job=DISMISS)
        _, monitor = self.start_vm()
        self.start_daemon()
        self.until_state("healthy")
        self.conclude_a_job(monitor)
        closed = until("closed", lambda: (i := self.only_incident()) and i["closed"] and i)
        self.assertEqual((closed["condition"], closed["policy"], closed["subject"], closed["outcome"]),
                         ("job-stuck", "stuck-job", "j0", "recovered"))
        self.assertEqual([(s["action"], s["result"]) for s in closed["steps"]], [("job-dismiss", "done")])
        self.assertEqual(monitor("query-jobs"), [])

    def test_a_hold_keeps_a_vm_from_steps_over_a_restart_until_it_is_released(self):
        self.settings(stuck_job=DISMISS)
        _, monitor = self.start_vm()
        daemon = self.start_daemon()
        self.until_state("healthy")
        done = self.ctl("hold", "vm1", "--for", "2h", "--reason", "moving its disks")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.until_state("held")
        self.assertIn("moving its disks", self.ctl("list").stdout)
        self.stop(daemon)
        self.start_daemon()
        self.until_state("held")
        self.conclude_a_job(monitor)
        open_ = until("on record", lambda: (i := self.only_incident()) and i["steps"] and i)
        self.assertEqual([s["result"] for s in open_["steps"]], ["held: moving its disks"])
        self.assertEqual([j["status"] for j in monitor("query-jobs")], ["concluded"])
        self.assertEqual(self.ctl("release", "vm1").returncode, 0)
        until("closed", lambda: self.only_incident()["closed"])
        self.assertEqual(monitor("query-jobs"), [])

    def test_observe_records_what_would_be_done_and_a_raised_authority_does_it(self):
        self.settings("observe", stuck_job=DISMISS)
        _, monitor = self.start_vm()
        self.start_daemon()
        self.until_state("healthy")
        self.conclude_a_job(monitor)
        open_ = until("on record", lambda: (i := self.only_incident()) and i["steps"] and i)
        self.assertEqual([(s["action"], s["result"]) for s in open_["steps"]], [("job-dismiss", "observed")])
        self.settings("protect")
        self.assertEqual(self.ctl("reload").returncode, 0)
        closed = until("closed", lambda: (i := self.only_incident())["closed"] and i)
        self.assertEqual([s["result"] for s in closed["steps"]], ["observed", "done"])

    def test_a_faulty_policy_changes_nothing_and_says_where(self):
        self.settings(stuck_job=DISMISS)
        self.start_daemon()
        before = self.ask("policies")
        self.assertEqual({p["name"] for p in before} >= {"switchover-guard", "dead-mirror", "stuck-job"}, True)
        self.assertEqual(next(p for p in before if p["name"] == "stuck-job")["patience_ms"], 1000)
        self.settings(dead_mirror='condition = "mirror-stalled"\nladder = [{ action = "yank-targets" }]\n')
        done = self.ctl("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn("dead-mirror.toml:2:", done.stderr)
        self.assertIn("did you mean `yank-target`", done.stderr)
        self.assertEqual(self.ask("policies"), before)
        self.assertEqual(self.ctl("check", self.config).returncode, 2)
        self.settings(dead_mirror="")  # switched off
        self.assertEqual(self.ctl("reload").returncode, 0)
        self.assertNotIn("dead-mirror", {p["name"] for p in self.ask("policies")})

    def test_killed_between_intent_and_outcome_it_does_not_do_the_step_twice(self):
        self.settings(stuck_job=DISMISS)
        qemu, monitor = self.start_vm()
        daemon = self.start_daemon()
        self.until_state("healthy")
        self.conclude_a_job(monitor)
        time.sleep(0.5)
        qemu.send_signal(signal.SIGSTOP)  # the command will be on its way, and not be answered
        journal = until("an incident", lambda: next(self.state.glob("incidents/*/journal.jsonl"), None))
        until("the intent is on disk", lambda: "job-dismiss" in journal.read_text())
        self.stop(daemon, signal.SIGKILL)
        self.assertEqual(journal.read_text().count("job-dismiss"), 1)
        self.assertNotIn('"done"', journal.read_text())
        self.start_daemon()
        qemu.send_signal(signal.SIGCONT)
        self.until_state("healthy")
        # QEMU drops what it had not read when its client vanished; whether it had, nobody can know.
        if monitor("query-jobs"):
            until("it says so", lambda: any("No rung" in n["text"] for n in self.only_incident()["notes"]))
            time.sleep(2.5)
            monitor("job-dismiss", id="j0")
        closed = until("closed", lambda: (i := self.only_incident()) and i["closed"] and i)
        self.assertEqual([(s["action"], s["result"]) for s in closed["steps"]], [("job-dismiss", "")])


if __name__ == "__main__":
    unittest.main()
