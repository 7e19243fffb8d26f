"""CrewAI: its tools, a person asked by our own means."""

from __future__ import annotations

from world import ADD, ASKS, DONE, FAILS, NAMES, SUM, WAITS, check, run

from mpp.adapters.crewai import tools
from mpp.host.host import Host


def work(host: Host) -> None:
    made = {tool.name: tool for tool in tools(host, names=NAMES)}
    check("the schema is there", set(made[ADD].args_schema.model_json_schema()["required"]) == {"a", "b"})
    check("a tool answers", SUM in made[ADD].run(a=2, b=3))
    structured = made[ADD].to_structured_tool()
    check("a crew's form of it answers", SUM in structured.invoke({"a": 2, "b": 3}))
    check("an error is told", "intentionally" in made[FAILS].run())
    check("without an ask there is a reference", "approval required" in made[ASKS].run(**WAITS))
    for yes in (True, False):
        one = tools(host, names=[ASKS], ask=lambda _pending, yes=yes: yes)[0]
        answer = one.run(**WAITS)
        check("a yes is enough, a no is a no", (answer == DONE) is yes, answer)


run(work)
