"""``mpp approve``."""

from __future__ import annotations

import re

import click

from mpp.cli.options import json_option, parse_time, passphrase_option
from mpp.errors import Refused
from mpp.model.fields import near
from mpp.model.jsontext import shown

REF = re.compile(r"[0-9a-f]{4,32}")


class Approve(click.Group):
    """A group whose first word may be a reference: that is the question that is answered."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            if REF.fullmatch(args[0]) is None:
                hint = near(args[0], self.commands) or "give the reference of a question, as `mpp approve pending` shows it"
                raise Refused("usage.command", f"{shown(args[0])!r} is neither a command nor a reference", hint=hint)
            args = ["answer", *args]
        return super().resolve_command(ctx, args)


@click.group(name="approve", cls=Approve, no_args_is_help=True, short_help="Answer what a tool's call waits for; see and end approvals.")
def command() -> None:
    """Answer what a tool's call waits for, and see and end approvals.

    A call that needs a person ends with a reference. Whoever may approve looks at the question and answers it; then the
    call is made again. An answer is for exactly one call: the same package, tool, arguments, rights, agent and policy.

    \b
    Examples:
      mpp approve pending
      mpp approve 7f3a
      mpp approve answer 7f3a --deny
      mpp approve list
      mpp approve revoke 5b0c

    `mpp approve 7f3a` is short for `mpp approve answer 7f3a`.
    """


@command.command(short_help="Answer a question.")
@click.argument("ref")
@click.option("--deny", is_flag=True, help="Say no.")
@click.option("--why", default="", metavar="TEXT", help="With --deny: the reason, for the record of this host; the agent is not told.")
@click.option("--always", is_flag=True, help="With --key: say yes for this tool, agent and these rights, for a while.")
@click.option("--key", "key_file", default="", metavar="FILE", help="Sign the answer with this approver's key. [default: yours, where the question needs one]")
@passphrase_option
@json_option
def answer(ref: str, deny: bool, why: str, always: bool, key_file: str, passphrase_file: str | None, as_json: bool) -> None:
    """Show the question REF and answer it: at the terminal, or with the key of an approver.

    What is high or critical needs the passphrase of an approver's key, and so does a yes for another tenant; see
    `mpp approve enroll`.

    \b
    Examples:
      mpp approve answer 7f3a
      mpp approve 7f3a
      mpp approve answer 7f3a --deny --why "not before the release"
      mpp approve answer 7f3a --key ada.key
    """
    from mpp.cli.approving import answer_question  # noqa: PLC0415 - each command loads what it needs

    if deny and always:
        raise Refused("usage.option", "--deny and --always exclude each other", hint="give one of them")
    if always and not key_file:
        raise Refused("usage.option", "--always goes with --key", hint="at the terminal, answer the question with a")
    if why and not deny:
        raise Refused("usage.option", "--why is the reason of a no", hint="give --deny with it, or leave it out")
    answer_question(ref, deny=deny, always=always, key_file=key_file, passphrase_file=passphrase_file, as_json=as_json, why=why)


@command.command(short_help="Show what waits for an answer.")
@json_option
def pending(as_json: bool) -> None:
    """Show the questions that wait for an answer, the oldest first.

    \b
    Example:
      mpp approve pending --json
    """
    from mpp.cli.approval_lists import show_pending  # noqa: PLC0415

    show_pending(as_json=as_json)


@command.command(short_help="Show one question or approval in full.")
@click.argument("ref")
@click.option("--details", is_flag=True, help="With all arguments, unshortened.")
@click.option("-o", "--output", default="", metavar="FILE", help="Write the question into a file, to be answered elsewhere.")
@json_option
def show(ref: str, details: bool, output: str, as_json: bool) -> None:
    """Show the question REF exactly as every channel shows it, or the approval for always REF.

    \b
    Examples:
      mpp approve show 7f3a --details
      mpp approve show 7f3a -o question.json
    """
    from mpp.cli.approval_lists import show_one  # noqa: PLC0415

    show_one(ref, details=details, output=output, as_json=as_json)


@command.command(name="list", short_help="Show approvals for always, and what was agreed to.")
@json_option
def list_(as_json: bool) -> None:
    """Show the approvals that last, with what is left of them, and the consents to what packages declare.

    \b
    Example:
      mpp approve list --json
    """
    from mpp.cli.approval_lists import show_list  # noqa: PLC0415

    show_list(as_json=as_json)


@command.command(short_help="End an approval for always, a consent, or a question.")
@click.argument("what")
@json_option
def revoke(what: str, as_json: bool) -> None:
    """End WHAT from the next call on: an approval for always (its id), the consent to a package (its package id), or a question (its reference).

    \b
    Examples:
      mpp approve revoke 5b0c
      mpp approve revoke com.example.hello
    """
    from mpp.cli.approval_lists import revoke_one  # noqa: PLC0415

    revoke_one(what, as_json=as_json)


@command.command(short_help="Answer a question that was written into a file.")
@click.argument("question", type=click.Path(dir_okay=False))
@click.option("--key", "key_file", required=True, metavar="FILE", help="The approver's key.")
@click.option("--id", "approver", required=True, metavar="ID", help="The approver's id on the host that asks.")
@click.option("--deny", is_flag=True, help="Say no.")
@click.option("--always", is_flag=True, help="Say yes for this tool, agent and these rights, for a while.")
@click.option("-o", "--output", default="", metavar="FILE", help="Write the signed answer here. [default: answer.json beside the question]")
@passphrase_option
@json_option
def sign(question: str, key_file: str, approver: str, deny: bool, always: bool, output: str, passphrase_file: str | None, as_json: bool) -> None:
    """Sign an answer to QUESTION, a file from `mpp approve show REF -o FILE` or a channel's folder, on any machine.

    \b
    Example:
      mpp approve sign question.json --key ada.key --id ada -o answer.json
    """
    from mpp.cli.approving import sign_elsewhere  # noqa: PLC0415

    if deny and always:
        raise Refused("usage.option", "--deny and --always exclude each other", hint="give one of them")
    sign_elsewhere(question, key_file, approver, deny=deny, always=always, output=output, passphrase_file=passphrase_file, as_json=as_json)


@command.command(short_help="Take a signed answer from a file.")
@click.argument("file", type=click.Path(dir_okay=False))
@json_option
def submit(file: str, as_json: bool) -> None:
    """Take the signed answer in FILE. It counts only if it is by an approver of this host, to a question of this host, and in time.

    \b
    Example:
      mpp approve submit answer.json
    """
    from mpp.cli.approving import submit_answer  # noqa: PLC0415

    submit_answer(file, as_json=as_json)


@command.command(short_help="Ask through a folder or a web hook, and wait.")
@click.argument("ref")
@click.option("--folder", default="", metavar="FOLDER", help="Write the question here, and wait for REF.answer.json.")
@click.option("--webhook", default="", metavar="URL", help="Send the question to this address, and take the answer it gives.")
@click.option("--secret-file", default="", metavar="FILE", help="With --webhook: the shared secret that marks our requests.")
@click.option("--wait", "seconds", default=300, type=click.IntRange(1, 86_400), show_default=True, metavar="SECONDS", help="How long to wait.")
@json_option
def ask(ref: str, folder: str, webhook: str, secret_file: str, seconds: int, as_json: bool) -> None:
    """Put the question REF before approvers elsewhere, and wait for the first signed answer that is enough.

    \b
    Examples:
      mpp approve ask 7f3a --folder /srv/approvals
      mpp approve ask 7f3a --webhook https://approve.example.com/mpp --secret-file hook.secret
    """
    from mpp.cli.approving import ask_elsewhere  # noqa: PLC0415

    if not folder and not webhook:
        raise Refused("usage.option", "nobody is named who could answer", hint="give --folder, --webhook or both")
    ask_elsewhere(ref, folder=folder, webhook=webhook, secret_file=secret_file, seconds=seconds, as_json=as_json)


@command.command(short_help="Make somebody an approver of this host.")
@click.argument("approver", metavar="ID")
@click.option("--name", default="", metavar="NAME", help="The person's name. [default: ID]")
@click.option("--public", default="", metavar="BASE64", help="The public key of a key that is there already, in place of making one.")
@click.option("-o", "--output", default="", metavar="FILE", help="Where the new key goes. [default: ID.key in $MPP_HOME/keys/approvers]")
@click.option("--role", "roles", multiple=True, type=click.Choice(["approver", "second", "admin"]), help="What for; may be given again. [default: approver]")
@click.option("--package", "packages", multiple=True, metavar="PATTERN", help="Only for these packages: com.example.hello or com.example.*")
@click.option("--until", default="", metavar="TIME", help="Only until then.")
@click.option("--no-passphrase", is_flag=True, help="Leave the key open. Its answers then count no more than a yes at the terminal.")
@click.option("--by", "by_key", default="", metavar="FILE", help="The key of an approver who agrees, in place of a yes at the terminal.")
@click.option("--yes", is_flag=True, help="You are the person who makes the first approver. It then counts no more than a yes at the terminal.")
@passphrase_option
@json_option
def enroll(
    approver: str, name: str, public: str, output: str, roles: tuple[str, ...], packages: tuple[str, ...], until: str, no_passphrase: bool, by_key: str,
    yes: bool, passphrase_file: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Make ID an approver of this host, with a key of its own. A person at the terminal says yes to that; once there is an
    approver whose key has a passphrase, one of them agrees with it (--by).

    The passphrase of the key is what shows that a person answered: calls of level high and critical need it.

    \b
    Examples:
      mpp approve enroll ada --name "Ada Example"
      mpp approve enroll ben --public "kv7S…=" --role second --by ada.key
    """
    from mpp.cli.approver_admin import Enrolment, enroll_approver  # noqa: PLC0415

    wanted = Enrolment(
        id=approver, name=name or approver, public=public, output=output, roles=roles or ("approver",), packages=packages,
        until=parse_time(until, "--until") if until else None, no_passphrase=no_passphrase, passphrase_file=passphrase_file,
    )  # fmt: skip
    enroll_approver(wanted, by_key=by_key, yes=yes, as_json=as_json)


@command.command(short_help="Show who may approve on this host.")
@json_option
def approvers(as_json: bool) -> None:
    """Show the approvers of this host, with their roles.

    \b
    Example:
      mpp approve approvers --json
    """
    from mpp.cli.approver_admin import show_approvers  # noqa: PLC0415

    show_approvers(as_json=as_json)


@command.command(short_help="Take an approver away.")
@click.argument("approver", metavar="ID")
@click.option("--by", "by_key", default="", metavar="FILE", help="The key of an approver who agrees, in place of a yes at the terminal.")
@json_option
def dismiss(approver: str, by_key: str, as_json: bool) -> None:
    """Take the approver ID away, after a person at the terminal said yes. Its answers no longer count, nor do its approvals for always.

    \b
    Example:
      mpp approve dismiss ada
    """
    from mpp.cli.approver_admin import dismiss_approver  # noqa: PLC0415

    dismiss_approver(approver, by_key=by_key, as_json=as_json)
