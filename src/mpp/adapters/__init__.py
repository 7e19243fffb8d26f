"""Tools of a host inside an agent framework, without a server between them: one module for each framework, imported when it is used.

    from mpp.host.host import Host
    from mpp.adapters.pydantic_ai import tools

    with Host.open() as host:
        agent = Agent("…", tools=tools(host))

Each call is judged, sandboxed, filtered and recorded as through any other front. What a person must decide is asked by the framework's own means where
it has some (LangGraph, OpenAI Agents, Pydantic AI, Microsoft Agent Framework), else by the ``ask`` that you give; without either the model gets the reference.
"""
