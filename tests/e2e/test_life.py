"""The daemon's own life: start, stop, kill -9, restart; and that of the VMs it watches."""

import signal
import subprocess
import time
import unittest

from harness import BIN, DaemonTest, notify_socket, until


class Life(DaemonTest):
    def test_tells_the_service_manager_when_it_is_ready_and_when_it_ends(self):
        path = self.folder / "notify"
        with notify_socket(path) as manager:
            daemon = self.start_daemon(env={"NOTIFY_SOCKET": str(path)})
            self.assertIn(b"READY=1", manager.recv(4096))
            self.assertEqual(self.stop(daemon), 0)
            said = manager.recv(4096)
            while b"STOPPING=1" not in said:
                said = manager.recv(4096)

    def test_a_second_daemon_on_the_same_folder_is_refused(self):
        self.start_daemon()
        second = self.start_daemon(wait=False)
        self.assertEqual(second.wait(10), 1)
        self.assertIn("another unwedged", self.log.read_text())

    def test_unwedgectl_says_what_to_do_without_a_daemon(self):
        done = self.ctl("list")
        self.assertEqual(done.returncode, 3)
        self.assertIn("systemctl", done.stderr)
        self.assertEqual(self.ctl("nonsense").returncode, 2)

    def test_an_unknown_vm_is_a_failure_that_names_the_known_ones(self):
        self.start_qemu()
        self.start_daemon()
        self.until_state("healthy")
        done = self.ctl("show", "vm2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("vm1", done.stderr)

    def test_takes_up_an_open_incident_after_kill_9(self):
        qemu = self.start_qemu()
        daemon = self.start_daemon()
        self.until_state("healthy")
        qemu.send_signal(signal.SIGSTOP)
        self.until_state("stalled")
        opened = until("the incident is on disk", lambda: self.ask("incidents"))
        self.stop(daemon, signal.SIGKILL)
        self.start_daemon()
        qemu.send_signal(signal.SIGCONT)
        closed = until("closed", lambda: (i := self.ask("incidents"))[0]["closed"] and i)
        self.assertEqual([i["id"] for i in closed], [i["id"] for i in opened])
        self.assertEqual(closed[0]["outcome"], "resolved-itself")

    def test_closes_an_incident_whose_process_ended_meanwhile(self):
        qemu = self.start_qemu()
        daemon = self.start_daemon()
        self.until_state("healthy")
        qemu.send_signal(signal.SIGSTOP)
        self.until_state("stalled")
        until("the incident is on disk", lambda: self.ask("incidents"))
        self.stop(daemon, signal.SIGKILL)
        self.end(qemu)
        self.start_daemon()
        self.assertEqual([i["outcome"] for i in self.ask("incidents")], ["failed"])

    def test_a_vm_that_dialled_in_comes_back_after_a_restart_of_the_daemon(self):
        daemon = self.start_daemon()
        self.start_qemu("dialler", "-chardev", f"socket,id=uw,path={self.folder}/dial-in,reconnect=1", "-mon",
                        "chardev=uw,mode=control")
        self.until_state("healthy", "dialler")
        self.stop(daemon)
        self.start_daemon()
        self.until_state("healthy", "dialler")

    def test_a_new_process_at_the_same_socket_is_a_new_vm(self):
        first = self.start_qemu()
        self.start_daemon()
        before = self.until_state("healthy")
        self.end(first)
        self.until_state("gone")
        self.start_qemu()
        after = self.until_state("healthy", seconds=20)
        self.assertNotEqual(before["pid"], after["pid"])
        kinds = [i["condition"] for i in self.ask("incidents", "vm1")]
        self.assertEqual(kinds, ["process-gone"])

    def test_an_orderly_end_of_a_vm_is_no_incident(self):
        qemu = self.start_qemu()
        self.start_daemon()
        self.until_state("healthy")
        qemu.terminate()
        self.until_state("gone")
        time.sleep(0.2)
        self.assertEqual(self.ask("incidents"), [])

    def test_a_monitor_that_another_client_holds_is_said_to_be_so(self):
        self.start_qemu()
        path = str(self.folder / "vm1.sock")
        import socket
        until("QEMU listens", lambda: (self.folder / "vm1.sock").exists())
        with socket.socket(socket.AF_UNIX) as other:
            until("connected", lambda: other.connect_ex(path) == 0)
            other.recv(4096)
            self.start_daemon()
            problem = until("the problem is named", lambda: self.vm()["qmp"]["problem"], 15)
            self.assertIn("another client", problem)
        self.until_state("healthy", seconds=30)

    def test_metrics_are_served(self):
        self.start_qemu()
        self.start_daemon("--http", f"unix:{self.folder}/http")
        self.until_state("healthy")
        import http.client
        import socket
        connection = http.client.HTTPConnection("unwedged")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(f"{self.folder}/http")
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        self.assertIn('unwedge_vm_state{vm="vm1",state="healthy"} 1', text)
        connection.close()

    def test_version_and_help_answer(self):
        for program in ("unwedged", "unwedgectl"):
            for option in ("--help", "--version"):
                done = subprocess.run([BIN / program, option], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, (program, option))
                self.assertTrue(done.stdout)


if __name__ == "__main__":
    unittest.main()
