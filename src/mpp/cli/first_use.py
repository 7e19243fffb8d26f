"""The one question about an unknown publisher. Asked on the terminal itself, never answered by a pipe or an option."""

from __future__ import annotations

import sys
import termios

from mpp.cli.options import quoted
from mpp.cli.screen import safe
from mpp.crypto.ed25519 import fingerprint, short_id
from mpp.crypto.roots import RootChain
from mpp.host.trust_store import TrustStore, with_first_use
from mpp.stages.gatekeeper import Seal, TrustState, known_lookalikes, same_name

ANSWER_CHARS_MAX = 200
"""Characters read as an answer. Reason: an answer is one word."""


def question(chain: RootChain, seal: Seal | None, trust: TrustState, more: tuple[str, ...] = ()) -> str:
    """What a person sees before a publisher is trusted. ``more``: what a registry says of it, each below the fingerprint.

    Attack: the name is the one text here that the publisher chose freely, so it comes last, quoted and cut: whatever it
    says stands below the true fingerprint, and never at the beginning of a line.
    """
    digits = fingerprint(chain.publisher_id)
    half = len(digits) // 2
    lines = [
        "",
        "This machine does not trust the publisher for this yet.",
        f"  fingerprint  {digits[:half]}",
        f"               {digits[half + 1 :]}",
    ]
    if seal is not None:
        statement = seal.statement
        lines.append(f"  package      {statement.package_id} {statement.version}")
        lines += [f"  signed by    {short_id(key)}" for key in statement.signers]
    lines += [f"  registry     {line}" for line in more]
    lines += [f"  WARNING      {warning}" for warning in warnings(chain, seal, trust)]
    lines += [f"  calls itself {quoted(chain.newest.name)}", "               (anybody can choose this name)"]
    lines += ["Compare the fingerprint with one you got another way: the publisher's site,", "a colleague.", "Type yes to trust it: "]
    return "\n".join(safe(line) for line in lines)


def warnings(chain: RootChain, seal: Seal | None, trust: TrustState) -> list[str]:
    """What speaks against trusting this publisher: an id or a name that looks like one already trusted here."""
    alike = known_lookalikes(seal.statement.package_id, chain.publisher_id, trust) if seal is not None else ()
    found = [f"the id looks like {name}, known from publisher {owner[:16]}" for name, owner in alike]
    return found + [f"publisher {one[:16]} of this name is trusted already; this is another" for one in same_name(chain, trust)]


def confirm(text: str) -> bool:
    """Ask the person at the terminal; False where there is none.

    Attack: an agent that drives our standard input must not be able to answer for the person.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        with open("/dev/tty", "r+b", buffering=0) as terminal:
            # Attack: what was typed or pasted before the question is no answer to it.
            termios.tcflush(terminal, termios.TCIFLUSH)
            terminal.write(text.encode("utf-8"))
            answer = terminal.read(ANSWER_CHARS_MAX)
    except (OSError, termios.error):
        return False
    return answer.decode("utf-8", "replace").strip().lower() == "yes"


def ask_and_pin(seal: Seal, store: TrustStore, more: tuple[str, ...] = ()) -> bool:
    """Ask, and on a yes trust the publisher for this exact package id."""
    if not confirm(question(seal.chain, seal, store.load(), more)):
        return False
    store.change(lambda state: with_first_use(state, seal.chain, seal.statement.package_id))
    return True
