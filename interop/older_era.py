"""A server that knows the older era alone: ``python older_era.py COMMAND…`` passes all on to a command, and answers for it that there is no ``server/discover``."""

from __future__ import annotations

import json
import subprocess
import sys

NO_METHOD = -32601


def main(command: list[str]) -> int:
    with subprocess.Popen(command, stdin=subprocess.PIPE) as behind:
        if behind.stdin is None:
            return 1
        for line in sys.stdin.buffer:
            said = json.loads(line)
            if isinstance(said, dict) and said.get("method") == "server/discover":
                answer = {"jsonrpc": "2.0", "id": said.get("id"), "error": {"code": NO_METHOD, "message": "Method not found"}}
                sys.stdout.write(json.dumps(answer) + "\n")
                sys.stdout.flush()
                continue
            behind.stdin.write(line)
            behind.stdin.flush()
        behind.stdin.close()
    return behind.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
