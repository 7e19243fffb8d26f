/** The one place that knows which `mpp` is asked, and that nothing runs before the workspace is trusted. */

import { homedir } from "node:os";

import * as vscode from "vscode";

import { Client } from "./client";
import { find, type Found } from "./find";
import { inert } from "./inert";
import { runner, surroundings } from "./run";

/** Why nothing was asked, in words for a person. */
export class Stopped extends Error {
  constructor(words: string) {
    super(words);
    this.name = "Stopped";
  }
}

const AGREED = "agreedPrograms";

export class Desk {
  constructor(
    private readonly kept: vscode.Memento,
    readonly log: vscode.LogOutputChannel,
  ) {}

  /** A setting that only the person's own settings can have (scope "machine"): what a workspace says of it is passed over. */
  setting(name: string): string {
    const found = vscode.workspace.getConfiguration("mpp").inspect<unknown>(name);
    const value = found?.globalValue ?? found?.defaultValue;
    return typeof value === "string" ? value : "";
  }

  flag(name: string): boolean {
    const found = vscode.workspace.getConfiguration("mpp").inspect<unknown>(name);
    return (found?.globalValue ?? found?.defaultValue) === true;
  }

  number(name: string, least: number): number {
    const found = vscode.workspace.getConfiguration("mpp").inspect<unknown>(name);
    const value = found?.globalValue ?? found?.defaultValue;
    return typeof value === "number" && Number.isFinite(value) ? Math.max(least, value) : least;
  }

  found(): Found {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter((one) => one.uri.scheme === "file").map((one) => one.uri.fsPath);
    const agreed = this.kept.get<unknown>(AGREED);
    return find({
      setting: this.setting("path"),
      path: process.env["PATH"] ?? "",
      folders,
      trusted: vscode.workspace.isTrusted,
      agreed: Array.isArray(agreed) ? agreed.filter((one): one is string => typeof one === "string") : [],
      windows: process.platform === "win32",
    });
  }

  program(): string {
    const found = this.found();
    if (found.kind === "found") return found.program;
    if (found.kind === "untrusted") throw new Stopped("This workspace is not trusted, so nothing of MPP runs in it.");
    if (found.kind === "offer") throw new Stopped("mpp is not on the PATH. This workspace has one of its own: choose MPP: Use the mpp of This Workspace.");
    throw new Stopped(`mpp was not found: ${found.words}. Install model-package-protocol, or set mpp.path.`);
  }

  client(): Client {
    return new Client(runner(this.program(), this.setting("home")));
  }

  /** Asks whether the workspace's own program may be used; true where one can be used now. */
  async agree(): Promise<boolean> {
    const found = this.found();
    if (found.kind !== "offer") return found.kind === "found";
    const yes = "Use It";
    const detail = `${inert(found.program)}\n\nWhoever made this folder chose that program. It would show you questions and answer for you. Use it only in a folder of your own.`;
    const chosen = await vscode.window.showWarningMessage("Use the mpp of this workspace?", { modal: true, detail }, "Do Not Use It", yes);
    if (chosen !== yes) return false;
    await this.kept.update(AGREED, [found.program]);
    return true;
  }

  /** `mpp` in a terminal of the editor, without a shell in between: what is typed there is typed at a real terminal. */
  terminal(name: string, args: readonly string[]): vscode.Terminal {
    const { NO_COLOR: _, ...env } = surroundings(process.env, this.setting("home"));
    const terminal = vscode.window.createTerminal({
      name,
      shellPath: this.program(),
      shellArgs: [...args],
      cwd: homedir(),
      // Attack: settings of a trusted workspace add variables to each terminal, and mpp would load code of its author.
      env: { ...env, TERM: "xterm-256color" },
      strictEnv: true,
      isTransient: true,
    });
    terminal.show();
    return terminal;
  }
}
