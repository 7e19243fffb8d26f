"""``mpp init``."""

from __future__ import annotations

import click

from mpp.author.languages.registry import NAMES
from mpp.author.scaffold import TEMPLATES, create_project
from mpp.cli.options import here, json_option, shorter
from mpp.cli.screen import put_json, say


@click.command(name="init")
@click.argument("name")
@click.option("--lang", default="python", show_default=True, help=f"Language of the tool: {', '.join(NAMES)}.")
@click.option("--template", default="", metavar="NAME", help=f"Begin with more than a greeting: {', '.join(TEMPLATES)}.")
@click.option("--package-id", default="", metavar="ID", help="Package id, a domain of yours backwards. [default: com.example.NAME]")
@click.option("--publisher", default="", metavar="NAME", help="Publisher name shown to users. [default: your name as git knows it]")
@json_option
def command(name: str, lang: str, template: str, package_id: str, publisher: str, as_json: bool) -> None:
    """Make a new tool project in the folder NAME (or tools/NAME where a folder tools exists).

    The project is complete: a tool that works, a test, a README, a workflow file, settings for an editor. Its tool `greet`
    greets an optional name, builds at once and explains itself in comments; --template begins with more.

    \b
    Examples:
      mpp init hello
      mpp init hello --lang c
      mpp init issues --template http-api
      mpp init weather --package-id org.example.weather --publisher "Ada Example"
    """
    made = create_project(name, lang=lang, template=template, parent=here(), package_id=package_id, publisher=publisher)
    if as_json:
        put_json({"ok": True, "folder": made.folder, "files": [*made.files], "next": [*made.next_steps]})
        return
    say(f"Made {shorter(made.folder)} with {len(made.files)} files. Next:")
    for step in made.next_steps:
        say(f"  {step}")
