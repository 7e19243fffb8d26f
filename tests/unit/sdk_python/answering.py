"""Run with the SDK on the path: the definitions and answers of one migrated server, as JSON. A process of its own, because a server is a module with a state."""

import json
import sys
from pathlib import Path

from mpp_sdk.describe import describe
from mpp_sdk.testing import ArgumentsRefused, Bench, Reply


def reply(route):
    return Reply(route.get("status", 200), json_body=route.get("json"), body=route.get("text", ""))


def main(server, folder, notes):
    described = describe(server)
    routes = json.loads((folder / "routes.json").read_text()) if (folder / "routes.json").exists() else {}
    answers = []
    # A route of a POST and of a GET is the same here, as in record.py.
    env = {"NOTES_FOLDER": notes}
    with Bench(routes={address: reply(route) for address, route in routes.items()}, env=env) as bench:
        for call in json.loads((folder / "calls.json").read_text()):
            bench._answers.clear()
            if "answers" in call:
                bench.answer_as("answer", call["answers"])
            try:
                answers.append(bench.call(call["tool"], **call["arguments"]).reply.get("result"))
            except ArgumentsRefused as fault:
                answers.append(str(fault))
    json.dump({"described": described, "answers": answers, "logs": bench.logs, "progress": bench.progress}, sys.stdout)


main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
