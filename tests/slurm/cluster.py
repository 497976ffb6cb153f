"""A SLURM cluster of several nodes on this machine, in a temporary folder and for as long as it is needed.

Nothing of it is the system's: `munged`, `slurmctld` and one `slurmd` a node run as the user who starts them, with sockets,
ports, state and logs of their own, and `slurm.conf` is found through the environment. Where jobs start steps, the executor
plugin takes SLURM's variables out of the environment, so the programs lie in a folder of their own that names the
configuration again.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

DAEMONS = ("munged", "slurmctld", "slurmd")
CLIENTS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr", "sshare")
PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
SECONDS = 30
"""Longest that a daemon may take to start."""

CONF = """\
ClusterName=test
SlurmctldHost={host}
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2
ReturnToService=2
SlurmdTimeout=9
SlurmctldTimeout=10
InactiveLimit=0
KillWait=2
OverTimeLimit=0
MinJobAge={job_age}
MaxArraySize={arrays}
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/spool-%n
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmdLogFile={folder}/slurmd-%n.log
Epilog={folder}/epilog
{more}
"""


def missing() -> str:
    """Why no cluster can be started here; empty where one can."""
    lacking = [name for name in (*DAEMONS, "sbatch", "srun", "munge") if shutil.which(name, path=PLACES) is None]
    if lacking:
        return f"SLURM is not installed ({', '.join(lacking)} not found): apt-get install slurm-wlm munge"
    return ""


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Look again and again until something holds.

    Raises:
        TimeoutError: it does not, after so many seconds.
    """
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not after {seconds:.0f} seconds")
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("", 0))
        return [each.getsockname()[1] for each in sockets]


@dataclass
class Cluster:
    """A cluster; a context manager that starts and ends it.

    Args:
        folder: an empty folder, readable by this user only.
        nodes: how many.
        cpus: of a node; more than there are is no error.
        memory_mb: of a node.
        job_age: seconds until the controller forgets a job that has ended (`MinJobAge`).
        arrays: `MaxArraySize`.
        partitions: name → further options of its line; the first is the default. One that names no `Nodes` has all.
        gpus: nodes that say that they have a GPU; it is /dev/null.
    """

    folder: Path
    nodes: int = 3
    cpus: int = 2
    memory_mb: int = 12_000
    job_age: int = 300
    arrays: int = 1001
    partitions: dict[str, str] = field(default_factory=lambda: {"main": "MaxTime=INFINITE"})
    gpus: tuple[str, ...] = ()
    _daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names of the nodes."""
        return [f"n{number}" for number in range(1, self.nodes + 1)]

    @property
    def conf(self) -> Path:
        """`slurm.conf`."""
        return self.folder / "slurm.conf"

    @property
    def epilog_folder(self) -> Path:
        """Where files lie that say which outputs are to be hidden for a while when a job ends (`hide`)."""
        return self.folder / "hidden"

    def environment(self) -> dict[str, str]:
        """The variables under which programs find this cluster."""
        mine = {
            name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SBATCH_", "SRUN_"))
        }
        return mine | {"SLURM_CONF": str(self.conf), "PATH": f"{self.folder / 'bin'}{os.pathsep}{mine['PATH']}"}

    def __enter__(self) -> Self:
        """Start all daemons and wait until every node is idle."""
        try:
            self._write()
            self._start_munged()
            self.start_controller(clean=True)
            for name in self.names:
                self.start_node(name)
            wait_until(self._all_idle, SECONDS, f"nodes idle ({self.ask('sinfo', '-h', '-N', '-o', '%N %t')})")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all daemons, and what they started."""
        self.stop()

    def _write(self) -> None:
        self.folder.chmod(0o700)
        for name in ("bin", "state", "hidden", *(f"spool-{name}" for name in self.names)):
            (self.folder / name).mkdir()
        for name in CLIENTS:
            found = shutil.which(name, path=PLACES)
            if found:
                program = self.folder / "bin" / name
                program.write_text(f'#!/bin/sh\nSLURM_CONF={self.conf} exec {found} "$@"\n', encoding="utf-8")
                program.chmod(0o755)
        epilog = self.folder / "epilog"
        epilog.write_text(EPILOG.format(hidden=self.epilog_folder), encoding="utf-8")
        epilog.chmod(0o755)
        host = socket.gethostname().partition(".")[0]
        port, *ports = _free_ports(1 + self.nodes)
        more = ["GresTypes=gpu"] if self.gpus else []
        more += [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={own} CPUs={self.cpus} RealMemory={self.memory_mb}"
            + (" Gres=gpu:1" if name in self.gpus else "")
            for name, own in zip(self.names, ports, strict=True)
        ]
        more += [
            f"PartitionName={name} {'' if 'Nodes=' in options else 'Nodes=ALL '}State=UP "
            f"Default={'YES' if not at else 'NO'} {options}"
            for at, (name, options) in enumerate(self.partitions.items())
        ]
        gres = "".join(f"NodeName={name} Name=gpu File=/dev/null\n" for name in self.gpus)
        self.conf.with_name("gres.conf").write_text(gres, encoding="utf-8")
        text = CONF.format(
            host=f"{host}(127.0.0.1)",
            port=port,
            user=getpass.getuser(),
            folder=self.folder,
            job_age=self.job_age,
            arrays=self.arrays,
            more="\n".join(more),
        )
        self.conf.write_text(text, encoding="utf-8")

    def _start(self, name: str, *command: str) -> None:
        program = shutil.which(command[0], path=PLACES)
        if program is None:
            raise FileNotFoundError(command[0])
        with (self.folder / f"{name}.said").open("ab") as said:
            self._daemons[name] = subprocess.Popen(
                [program, *command[1:]],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _start_munged(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {
            "key": "munge.key",
            "socket": "munge.socket",
            "pid": "munge.pid",
            "log": "munge.log",
            "seed": "munge.seed",
        }
        options = [
            f"--{name}{'' if name == 'socket' else '-file'}={self.folder / file}" for name, file in files.items()
        ]
        self._start("munged", "munged", "--foreground", "--force", *options)
        wait_until((self.folder / "munge.socket").exists, SECONDS, "munged answers")

    def start_controller(self, *, clean: bool = False) -> None:
        """Start `slurmctld`; it takes up the jobs that it left, unless it is to start clean."""
        self._start("slurmctld", "slurmctld", "-D", *(["-c"] if clean else []))
        wait_until(lambda: "UP" in self.ask("scontrol", "ping"), SECONDS, "slurmctld answers")

    def start_node(self, name: str) -> None:
        """Start a node."""
        self._start(name, "slurmd", "-D", "-N", name)

    def kill_controller(self) -> None:
        """The controller goes at once."""
        self._kill("slurmctld")

    def kill_node(self, name: str) -> None:
        """A node loses its power: its daemon and all that runs there."""
        self._kill(name)

    def _kill(self, name: str) -> None:
        daemon = self._daemons.pop(name)
        daemon.kill()
        daemon.wait()
        if name in self.names:
            for process in self._processes_of(name):
                with contextlib.suppress(psutil.Error):
                    process.kill()

    def _processes_of(self, node: str) -> set[psutil.Process]:
        """The processes of a node's jobs, and what has started them; these are no children of its daemon."""
        found = set()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                variables = process.environ()
                if variables.get("SLURMD_NODENAME") == node and str(self.folder) in variables.get("PATH", ""):
                    parent = process.parent()
                    found |= {process} | ({parent} if parent and parent.name().startswith("slurmstepd") else set())
        return found

    def ask(self, *command: str) -> str:
        """What a program of SLURM says, errors too."""
        done = subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.stdout + done.stderr

    def jobs(self, states: str = "RUNNING") -> list[tuple[str, str, str]]:
        """(number, node, comment) of the jobs in some states; the comment names rule and wildcards."""
        said = self.ask("squeue", "-h", "-t", states, "-o", "%i|%N|%k")
        return [tuple(line.split("|", 2)) for line in said.splitlines() if line.count("|") >= 2]  # type: ignore[misc]

    def sent(self) -> int:
        """How often `sbatch` has been called so far."""
        return (self.folder / "slurmctld.log").read_text(encoding="utf-8").count("_slurm_rpc_submit_batch_job: JobId")

    def mend(self) -> None:
        """Start again what was killed, and wait until all nodes take jobs."""
        if "slurmctld" not in self._daemons:
            self.start_controller()
        for name in self.names:
            if name not in self._daemons:
                self.start_node(name)
        # A node is drained when a job of its could not be ended in time.
        end = time.monotonic() + 4 * SECONDS
        while not self._all_up():
            if time.monotonic() > end:
                raise TimeoutError(f"nodes are up again: {self.ask('sinfo', '-N', '-o', '%N %T %E')}")
            self.ask("scontrol", "update", f"NodeName={','.join(self.names)}", "State=RESUME")
            time.sleep(2)

    def hide(self, folder: Path, seconds: int) -> None:
        """Let the files of a folder be seen only so many seconds after the job has ended that wrote them."""
        (self.epilog_folder / folder.name).write_text(f"{seconds} {folder}/part-*[a-z]\n", encoding="utf-8")

    def _all_up(self) -> bool:
        states = self.ask("sinfo", "-h", "-N", "-o", "%N %t").splitlines()
        return len(states) >= self.nodes and all(
            line.split()[-1] in ("idle", "mix", "alloc", "comp") for line in states
        )

    def _all_idle(self) -> bool:
        states = self.ask("sinfo", "-h", "-N", "-o", "%N %t").split("\n")
        idle = {line.split()[0] for line in states if line.endswith(" idle")}
        return idle == set(self.names)

    def stop(self) -> None:
        """End everything."""
        if "slurmctld" in self._daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.ask("scancel", "--user", getpass.getuser())
        for name in [*self.names, "slurmctld", "munged"]:
            if name in self._daemons:
                self._kill(name)


EPILOG = """\
#!/bin/bash
# The shared folder is slow: what a job wrote is seen only some seconds after the job has ended.
shopt -s nullglob globstar
for order in {hidden}/*; do
    read -r seconds pattern < "$order"
    files=( $pattern )
    (( ${{#files[@]}} )) || continue
    # Of jobs that end together one takes it: what is hidden already must not be hidden again.
    rm "$order" 2> /dev/null || continue
    for file in "${{files[@]}}"; do mv "$file" "$file.not-yet"; done
    # SLURM kills what is still of the epilog's own group when that ends.
    export detached="$0.$BASHPID"
    setsid bash -c 'touch "$detached"; sleep "$0"; for file; do mv "$file.not-yet" "$file"; done' \\
        "$seconds" "${{files[@]}}" < /dev/null > /dev/null 2>&1 &
    until [ -e "$detached" ]; do sleep .05; done
done
exit 0
"""
