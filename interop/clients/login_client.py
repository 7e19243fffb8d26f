"""``mpp legacy add --oauth`` and a call, as the official suite for clients starts a client: ``python login_client.py SERVER``, with what it knows of it in the environment.

The page that a person would open is fetched here: the issuer of the suite lets everybody in.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from mpp.host.host import Host

MPP = Path(sys.executable).parent / "mpp"
SECONDS_MAX = 60
NAME = "CLIENT"
"""Of the client's secret."""
POLICY = 'mpp_policy = 1\nname = "login"\n[[rules]]\nid = "all"\neffect = "allow"\ntools = ["*"]\nwhy = "only the suite is here"\n'


def main() -> int:
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
    with tempfile.TemporaryDirectory(prefix="mpp-login-") as folder:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MPP_")} | {"MPP_HOME": f"{folder}/home"}
        policy = Path(folder, "policy.toml")
        policy.write_text(POLICY, encoding="utf-8")
        mpp(environment, "policy", "use", str(policy), "--yes")
        words = ["legacy", "add", "far", sys.argv[-1], "--oauth", "--yes"]
        if "client_id" in context:
            words += ["--client-id", context["client_id"]]
        if "client_secret" in context:
            mpp(environment, "secret", "set", NAME, "--stdin", said=context["client_secret"])
            words += ["--client-secret", NAME]
        if "client-credentials" in os.environ.get("MCP_CONFORMANCE_SCENARIO", ""):
            words.append("--own")
        if browsed(environment, *words) != 0:
            return 1
        with Host.open(environment["MPP_HOME"]) as host:
            for tool in host.tools().items:
                if isinstance(tool, dict):
                    host.call(str(tool["name"]), {})
    return 0


def mpp(environment: dict[str, str], *words: str, said: str = "") -> None:
    subprocess.run([str(MPP), *words], env=environment, input=said, text=True, timeout=SECONDS_MAX, check=True, capture_output=True)


def browsed(environment: dict[str, str], *words: str) -> int:
    """Run it, and open the page that it shows. Its exit code."""
    with subprocess.Popen([str(MPP), *words], env=environment, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        for line in process.stderr or ():
            sys.stderr.write(line)
            if line.startswith("http"):
                # It follows the redirect back to this machine, as a browser does.
                with urllib.request.urlopen(line.strip(), timeout=SECONDS_MAX) as answer:  # noqa: S310 - the page of the suite
                    answer.read()
        return process.wait(SECONDS_MAX)


if __name__ == "__main__":
    sys.exit(main())
