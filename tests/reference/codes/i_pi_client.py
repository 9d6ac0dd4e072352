"""An i-PI client with EMT, and faults on demand: `python i_pi_client.py SOCKET START [FAULT]`.

It writes its process id to `pid`, and a line for each answer to `answers`.
"""

import os
import sys
import time
from pathlib import Path


def main() -> None:
    socket, start, fault = sys.argv[1], sys.argv[2], (sys.argv[3:] or [""])[0]
    Path("pid").write_text(str(os.getpid()))  # before the imports, which take seconds
    from ase.calculators.emt import EMT
    from ase.calculators.socketio import SocketClient
    from ase.io import read

    if fault == "silent":
        time.sleep(100)
    if fault == "refuse":
        sys.exit("no licence for this program")
    atoms = read(start)
    atoms.calc = EMT()
    client = SocketClient(unixsocket=socket)
    for n, _ in enumerate(client.irun(atoms, use_stress=fault != "no-stress")):
        with Path("answers").open("a") as file:
            file.write(f"{os.getpid()} {n}\n")
        if fault == "hang" and n == 0:
            time.sleep(100)
        if fault == "crash" and n == 1:
            os._exit(5)


if __name__ == "__main__":
    main()
