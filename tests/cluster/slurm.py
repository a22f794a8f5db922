"""A real Slurm of one node on this machine, with a GPU that is none, started and stopped by the tests."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# Not $SLURM_CONF: the executor's jobs drop every variable that begins with SLURM_ before they call srun.
SETTINGS = Path("/etc/slurm")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
NODE = socket.gethostname().split(".")[0]

SLURM_CONF = """\
ClusterName=greedyrank
SlurmctldHost={node}(127.0.0.1)
AuthType=auth/munge
# What ran on a node that went down waits so long before it starts again: 2 minutes by default.
AuthInfo=socket={folder}/munge.socket,cred_expire=20
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={controller_port}
SlurmdPort={node_port}
MpiDefault=none
# Kills a job's processes that outlive the one which started them; proctrack/linuxproc does not.
ProctrackType=proctrack/pgid
# As on nearly every cluster, a job sees the cores that it asked for, and no more.
TaskPlugin=task/affinity
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# A node that was put down comes back by hand alone.
ReturnToService=0
# Jobs that ended are shown so long: `squeue` is how the executor learns of the end without accounting.
MinJobAge=3600
KillWait=2
GresTypes=gpu
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={cpus} ThreadsPerCore=1 \
RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=ALL MaxTime=INFINITE State=UP
"""


class Refused(Exception):
    """A command of Slurm that failed."""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(met: Callable[[], object], what: str, seconds: float = 60) -> object:
    """Return what a condition gives as soon as it holds; fail when it has not in time."""
    deadline = time.monotonic() + seconds
    while not (found := met()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} seconds still waiting: {what}")
        time.sleep(0.1)
    return found


def missing() -> str | None:
    """Say what it takes to start a Slurm here, and is not there."""
    if os.geteuid() != 0:
        return "Slurm's daemons are to be started, which takes root"
    if absent := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"{', '.join(absent)} missing; on Debian: apt-get install --no-install-recommends slurm-wlm munge"
    if subprocess.run(["pidof", "slurmctld", "slurmd"], stdout=subprocess.DEVNULL, check=False).returncode == 0:
        return "a Slurm runs on this machine already"
    return None


@contextlib.contextmanager
def own_settings() -> Iterator[None]:
    """Put an empty folder in the place of /etc/slurm, and give back what was there."""
    saved = SETTINGS.with_name("slurm.before-greedyrank")
    if saved.exists():  # an earlier run was killed
        shutil.rmtree(SETTINGS, ignore_errors=True)
    elif SETTINGS.exists():
        SETTINGS.rename(saved)
    try:
        SETTINGS.mkdir()
        yield
    finally:
        shutil.rmtree(SETTINGS)
        if saved.exists():
            saved.rename(SETTINGS)


class Slurm:
    """What is asked of the controller."""

    def ask(self, *words: str) -> str:
        """Run a command of Slurm, and return what it says."""
        result = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=30, check=False)
        if result.returncode != 0:
            raise Refused(f"{' '.join(words)}: {result.stderr.strip()}")
        return result.stdout

    def jobs(self) -> list[dict[str, str]]:
        """Return the controller's record of every job since the start, first submitted first."""
        lines = self.ask("scontrol", "--oneliner", "show", "job").splitlines()
        records = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines if line.startswith("JobId=")]
        return sorted(records, key=lambda record: int(record["JobId"]))

    def node_is(self, *states: str) -> bool:
        """Tell whether the node is in one of some states."""
        return self.ask("sinfo", "--noheader", "--format=%T").strip() in states

    def put_node_down(self) -> None:
        """Take the node away, with all that runs on it."""
        self.ask("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=test")

    def resume_node(self) -> None:
        """Give the node back."""
        self.ask("scontrol", "update", f"NodeName={NODE}", "State=RESUME")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Slurm]:
    """Start a Slurm whose node is idle; in the end cancel its jobs and stop it.

    The daemons are children that the kernel ends with this process, however it ends.
    """
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 - 1000
    settings = SLURM_CONF.format(
        node=NODE,
        folder=folder,
        controller_port=_free_port(),
        node_port=_free_port(),
        cpus=os.cpu_count(),
        memory=memory,
    )
    slurm, daemons = Slurm(), []

    def start(*words: str) -> None:
        bound = ["setpriv", "--pdeathsig", "KILL", *words]
        with (folder / f"{words[0]}.out").open("w", encoding="utf-8") as log:
            daemons.append(subprocess.Popen(bound, stdout=log, stderr=subprocess.STDOUT, start_new_session=True))

    with own_settings():
        (SETTINGS / "slurm.conf").write_text(settings, encoding="utf-8")
        (SETTINGS / "gres.conf").write_text(f"NodeName={NODE} Name=gpu File=/dev/null\n", encoding="utf-8")
        try:
            start(
                "munged",
                "--foreground",
                "--force",  # run by root
                *(f"--{kind}-file={folder}/munge.{kind}" for kind in ("key", "pid", "seed", "log")),
                f"--socket={folder}/munge.socket",
            )
            wait_until((folder / "munge.socket").exists, "munged")
            start("slurmctld", "-D")
            start("slurmd", "-D")
            wait_until(lambda: _answers(slurm) and slurm.node_is("idle"), "an idle node")
            yield slurm
        finally:
            _stop(slurm, daemons)


def _answers(slurm: Slurm) -> bool:
    with contextlib.suppress(Refused):
        return bool(slurm.ask("sinfo", "--noheader"))
    return False


def _stop(slurm: Slurm, daemons: list[subprocess.Popen]) -> None:
    with contextlib.suppress(Refused, AssertionError):
        slurm.ask("scancel", f"--user={os.getuid()}")
        wait_until(lambda: not slurm.ask("squeue", "--noheader"), "cancelled jobs", 20)
    for daemon in reversed(daemons):
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
