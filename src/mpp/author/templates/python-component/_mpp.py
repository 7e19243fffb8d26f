"""What the layer has as a module of its own, over the imports of the component."""

from wit_world.imports import environment, host


def call(request):
    """Ask the host; the answer to a request that is no UTF-8 is the host's to give, so it is sent as it can be."""
    return host.call(request.decode("utf-8", "replace")).encode("utf-8")


def environ():
    """The variables of this run. Those that the interpreter remembers are of the build."""
    return [f"{name}={value}".encode("utf-8", "surrogateescape") for name, value in environment.get_environment()]
