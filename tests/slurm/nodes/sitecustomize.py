"""What goes wrong with jobs on a node of the tests' cluster: read by every Python that starts there.

A file `<stage>-<step>` in the folder TAMIS_TEST_MARKS says what the first such job does before its work; it takes the file away.
A file `scratch-<node>` names the folder that is the node's for temporary files.
"""

import os
import sys
import time

arguments = getattr(sys, "orig_argv", [])
if "SLURM_JOB_ID" in os.environ:
    # A file in memory of the login node is none of this node's, though it is the same machine.
    os.environ.pop("TAMIS_FAILURES", None)
    scratch = os.path.join(os.environ["TAMIS_TEST_MARKS"], f"scratch-{os.environ.get('SLURMD_NODENAME', '')}")
    if os.path.exists(scratch):
        with open(scratch, encoding="utf-8") as file:
            os.environ["TMPDIR"] = file.read()
    if "tamis.job" in arguments:
        at = arguments.index("tamis.job")
        mark = os.path.join(os.environ["TAMIS_TEST_MARKS"], "-".join(arguments[at + 1 : at + 3]))
        mine = f"{mark}.{os.getpid()}"
        try:
            os.rename(mark, mine)
        except OSError:
            mine = ""
        if mine:
            with open(mine, encoding="utf-8") as file:
                what, amount = file.read().split()
            with open(f"{mark}.begun", "w", encoding="utf-8") as file:
                file.write(f"{os.environ['SLURM_JOB_ID']} {os.environ.get('SLURMD_NODENAME', '')}")
            if what == "hog":
                taken = bytearray(int(amount) * 1_000_000)
                taken[::4096] = b"x" * len(taken[::4096])
            time.sleep(60 if what == "hog" else float(amount))
