"""``mpp policy``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option, now_option, parse_time, passphrase_option
from mpp.errors import Refused
from mpp.host.system import SystemClock

FILES_MAX = 1000
"""Files of one check. Reason: bounds a slip with a wildcard."""

LEVEL_WORDS = ("anonymous", "launched", "token", "signed")
ORIGIN_WORDS = ("model", "human", "automation")

policy_option = click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="[LAYER=]FILE",
    help="Judge by this file or preset alone or, with LAYER=, in the place of that layer. [default: the policies in force]",
)


@click.group(name="policy", no_args_is_help=True, short_help="Say who may run what: check, explain, test, sign and pull policies.")
def command() -> None:
    """Say who may run what: check, explain, test, sign and pull policies.

    A policy is a document with rules that allow, ask or deny. There are three layers: the fleet's (signed), the machine's
    (/etc/mpp) and the user's. Each is judged by itself, and the strictest wins.

    \b
    Examples:
      mpp policy show
      mpp policy show developer > policy.toml
      mpp policy check policy.toml
      mpp policy use policy.toml
      mpp policy explain hello-0.1.0.mpp --tool greet
    """


@command.command(short_help="Check policy files, and warn of what is probably not meant.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--strict", is_flag=True, help="Take each warning for a fault.")
@json_option
def check(files: tuple[str, ...], strict: bool, as_json: bool) -> int:
    """Check policy files in TOML or JSON, and signed bundles: their form, unknown keys, rules that can never match.

    A bundle is read here and not believed: whether its signer may rule this machine is judged when it is pulled.

    \b
    Examples:
      mpp policy check policy.toml
      mpp policy check policies/*.toml --strict --json

    \b
    Exit code:
      0    all files are sound
      23   a file is not, or with --strict there was a warning
    """
    from mpp.cli.policy_checking import check_files  # noqa: PLC0415 - each command loads what it needs

    if len(files) > FILES_MAX:
        raise Refused("usage.option", f"at most {FILES_MAX} files are checked at once", hint="give fewer files")
    return check_files(files, strict=strict, as_json=as_json)


@command.command(short_help="Show the policies in force, one layer, or a preset.")
@click.argument("what", required=False, metavar="[LAYER|PRESET]")
@click.option("--preset", "preset_name", default=None, metavar="NAME", help="Show a preset, where a layer has the same name: --preset fleet.")
@json_option
def show(what: str | None, preset_name: str | None, as_json: bool) -> None:
    """Show which policies are in force, where they came from, and how long they hold; or one layer; or a preset as text.

    The layers are fleet, machine and user, the presets developer, ci and fleet.

    \b
    Examples:
      mpp policy show
      mpp policy show user
      mpp policy show developer > policy.toml
    """
    from mpp.cli.policy_show import show_all, show_one, show_preset  # noqa: PLC0415

    if what is not None and preset_name is not None:
        raise Refused("usage.option", "a layer and --preset exclude each other", hint="give one of them")
    if preset_name is not None:
        show_preset(preset_name, as_json=as_json)
    elif what is not None:
        show_one(what, as_json=as_json)
    else:
        show_all(as_json=as_json)


@command.command(short_help="Take a policy into use as the user's own.")
@click.argument("name", required=False, metavar="FILE|PRESET")
@click.option("--remove", is_flag=True, help="Take the user's policy away, also one that was pulled.")
@click.option("--yes", is_flag=True, help="You are the person who agrees; recorded as such, and refused in fleet mode.")
@json_option
def use(name: str | None, remove: bool, yes: bool, as_json: bool) -> None:
    """Make FILE or PRESET the user's policy, after a person at the terminal says yes. It replaces the one before.

    It can make the policies of the machine and the fleet stricter, and never looser.

    \b
    Examples:
      mpp policy use developer
      mpp policy use policy.toml
      mpp policy use --remove
    """
    from mpp.cli.policy_use import stop_using  # noqa: PLC0415
    from mpp.cli.policy_use import use as take  # noqa: PLC0415

    if (name is None) is not remove:
        raise Refused("usage.option", "give a file or preset, or --remove", hint="for example: mpp policy use policy.toml")
    if name is None:
        stop_using(yes=yes, as_json=as_json)
    else:
        take(name, yes=yes, as_json=as_json)


@command.command(short_help="Say which rule decides a call, and what would change it.")
@click.argument("package", required=False, metavar="[PACKAGE]")
@click.option("--tool", default="", metavar="NAME", help="The tool that would be called; may be left out when the package has one.")
@click.option("--args", "arguments", default="{}", metavar="JSON|@FILE|-", help="The arguments: a JSON object, @FILE, or - for standard input.")
@click.option("--agent", default="", metavar="NAME", help="Suppose that this agent calls.")
@click.option("--agent-level", default=None, type=click.Choice(LEVEL_WORDS), help="How sure it is that it is this agent. [default: launched]")
@click.option("--user", default="", metavar="NAME", help="Suppose that this user calls. [default: you]")
@click.option(
    "--origin",
    default="human",
    type=click.Choice(ORIGIN_WORDS),
    show_default=True,
    help="Who had the idea to call; `mpp run` without a terminal is automation.",
)
@click.option("--at", default=None, metavar="TIME", help="Suppose this time: 2026-11-21, 2026-11-21T10:00:00Z or seconds since 1970.")
@policy_option
@json_option
def explain(
    package: str | None, tool: str, arguments: str, agent: str, agent_level: str | None, user: str, origin: str, at: str | None, policies: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Say of a call of PACKAGE (default: the package of the project you are in) whether it would be allowed, asked about or
    denied, which rule decides in each layer, and what would change that. The package is verified; nothing in it is run.

    Without --tool, a package of several tools is judged as a whole, as before any call.

    \b
    Examples:
      mpp policy explain hello-0.1.0.mpp
      mpp policy explain notes.mpp --tool search --args '{"query": "x"}' --agent scout --origin model
      mpp policy explain notes.mpp --tool search --policy user=stricter.toml
    """
    from mpp.cli.run_options import read_given  # noqa: PLC0415
    from mpp.cli.policy_explain import show_explanation, Supposed  # noqa: PLC0415
    from mpp.cli.policy_files import proposed  # noqa: PLC0415

    judged_by, by = proposed(policies)
    now = SystemClock().now() if at is None else parse_time(at, "--at")
    supposed = Supposed(tool=tool, arguments=read_given(arguments), agent=agent, agent_level=agent_level or "", user=user, origin=origin, now=now)
    show_explanation(package, supposed, judged_by, by, as_json=as_json)


@command.command(short_help="Try a policy on cases, or on a record of past calls.")
@click.argument("file", required=False, metavar="[CASES]")
@click.option(
    "--replay", "record", default=None, type=click.Path(), metavar="RECORD", help="Judge the decisions of this record again: its folder, or a file of entries."
)
@policy_option
@now_option
@json_option
def test(file: str | None, record: str | None, policies: tuple[str, ...], now: str | None, as_json: bool) -> int:
    """Judge the cases in CASES, a TOML or JSON file, and compare the verdicts with what each expects.

    With --replay, judge past calls again and list those that would end otherwise. A record holds neither arguments nor users;
    where a rule looks at them, the answer is given as not certain.

    \b
    A case:
      [[cases]]
      name = "payments ask"
      expect = "ask"
      given = { package = "com.example.pay", tool = "transfer", arguments = { amount = 100 } }

    \b
    Examples:
      mpp policy test cases.toml --policy policy.toml
      mpp policy test --replay ~/.mpp/audit --policy user=stricter.toml

    \b
    Exit code:
      0    all cases hold, or the record was judged
      23   a case does not hold
    """
    from mpp.cli.policy_cases import run_cases  # noqa: PLC0415
    from mpp.cli.policy_files import proposed  # noqa: PLC0415
    from mpp.cli.policy_replay import show_replay, told  # noqa: PLC0415
    from mpp.host.policy_replay import replay  # noqa: PLC0415

    if (file is None) is (record is None):
        raise Refused("usage.option", "give a file of cases, or --replay RECORD", hint="for example: mpp policy test cases.toml --policy policy.toml")
    judged_by, by = proposed(policies)
    if record is not None:
        show_replay(replay(record, judged_by, told=told), by, as_json=as_json)
        return 0
    return run_cases(file or "", judged_by, by, SystemClock().now() if now is None else parse_time(now, "--now"), as_json=as_json)


@command.command(short_help="Sign a policy as a bundle for many machines.")
@click.argument("file", metavar="POLICY")
@click.option(
    "-k", "--key", "keys", multiple=True, type=click.Path(dir_okay=False),
    help="A release key; give several for several signers. [default: $MPP_HOME/keys/publisher.key]",
)  # fmt: skip
@click.option("--signer-command", default=None, metavar="COMMAND", help="Sign with another program (see docs/how-to/external-signers.md).")
@click.option("--publisher", default=None, type=click.Path(dir_okay=False), help="The publisher.json. [default: the one beside the key]")
@click.option("--name", default=None, metavar="NAME", help="The name of the bundle, the same for all its versions. [default: that of the policy]")
@click.option("--layer", type=click.Choice(["fleet", "user"]), default="fleet", show_default=True, help="The layer that it is for.")
@click.option("--version", type=int, default=None, metavar="N", help="Its version. [default: one more than the bundle in the output file]")
@click.option("--expires", default="90d", show_default=True, metavar="TIME", help="Its end: a length such as 90d or 12h, or a date.")
@click.option("--grace", default="7d", show_default=True, metavar="LENGTH", help="How long it still holds after that.")
@click.option("-o", "--output", default=None, type=click.Path(dir_okay=False), help="Write the bundle here. [default: NAME-bundle.json]")
@passphrase_option
@now_option
@json_option
def sign(
    file: str, keys: tuple[str, ...], signer_command: str | None, publisher: str | None, name: str | None, layer: str, version: int | None, expires: str,
    grace: str, output: str | None, passphrase_file: str | None, now: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Sign POLICY (a document, or a preset) as a bundle; or add a signature to a bundle that waits for one.

    Machines take a bundle only with a higher version than the last, and only until it expires: sign anew in time.

    \b
    Examples:
      mpp policy sign fleet.toml -k keys/publisher.key -o fleet-bundle.json
      mpp policy sign fleet.toml --expires 30d --grace 3d
      mpp policy sign fleet-bundle.json -k keys/second.key
    """
    from mpp.cli.policy_signing import sign as make  # noqa: PLC0415
    from mpp.cli.policy_signing import Wanted  # noqa: PLC0415

    wanted = Wanted(
        keys=keys, signer_command=signer_command, publisher=publisher, passphrase_file=passphrase_file, name=name, layer=layer, version=version,
        expires=expires, grace=grace, output=output, now=now,
    )  # fmt: skip
    make(file, wanted, as_json=as_json)


@command.command(short_help="Pull the newest signed policy from a file or the web.")
@click.argument("source", required=False, metavar="[FILE|URL]")
@click.option("--root", default=None, type=click.Path(dir_okay=False), help="The signer's publisher.json, for the first pull.")
@click.option("--fingerprint", "expected", default="", metavar="HEX", help="The signer's fingerprint in full, got another way; it replaces the question.")
@json_option
def pull(source: str | None, root: str | None, expected: str, as_json: bool) -> None:
    """Pull a signed policy from a file or an https address, judge it, and put it in force. Without one, from where the last came.

    A bundle for the fleet layer is taken by machines that an administrator has enrolled in /etc/mpp. For one for the user
    layer, you compare the signer's fingerprint once. What is older, expired or not signed is refused, and the last good one stays.

    \b
    Examples:
      mpp policy pull
      mpp policy pull https://policy.example.com/fleet-bundle.json
      mpp policy pull team-bundle.json --root publisher.json
    """
    from mpp.cli.policy_use import pull as get  # noqa: PLC0415

    get(source, root, expected, as_json=as_json)
