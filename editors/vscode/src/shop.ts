/** Commands about packages and files: verify, inspect, install, search. */

import * as vscode from "vscode";

import { Refused } from "./client";
import type { Desk } from "./desk";
import { inert } from "./inert";
import type { Texts } from "./texts";
import { inspectedText, verifiedText } from "./words";

/** Refusals that a person at a terminal can answer: an unknown publisher, more rights than before. */
const FOR_A_PERSON = /^(publisher\.|consent\.|store\.|trust\.)/;

export class Shop {
  constructor(
    private readonly desk: Desk,
    private readonly texts: Texts,
    private readonly changed: () => void,
  ) {}

  async verify(uri: vscode.Uri | undefined): Promise<void> {
    const file = await this.file(uri);
    if (file === undefined) return;
    const found = await this.desk.client().verify(file);
    await this.texts.show(`verify ${base(file)}`, verifiedText(file, found));
    const words = found.ok ? `${found.package} is intact, and its publisher is trusted.` : `Refused: ${found.error?.message ?? "see the report"}`;
    void (found.ok ? vscode.window.showInformationMessage(inert(words)) : vscode.window.showWarningMessage(inert(words)));
  }

  async inspect(uri: vscode.Uri | undefined): Promise<void> {
    const file = await this.file(uri);
    if (file !== undefined) await this.texts.show(`inspect ${base(file)}`, inspectedText(file, await this.desk.client().inspect(file)));
  }

  async installFile(uri: vscode.Uri | undefined): Promise<void> {
    const file = await this.file(uri);
    if (file !== undefined) await this.install(file);
  }

  async installName(): Promise<void> {
    const prompt = "The id of a package, perhaps with a range: com.example.hello@^0.1";
    const name = (await vscode.window.showInputBox({ title: "Install a package", prompt }))?.trim() ?? "";
    if (name !== "") await this.install(name);
  }

  async search(): Promise<void> {
    const text = (await vscode.window.showInputBox({ title: "Search registries", prompt: "Words of a name, title or description" })) ?? "";
    const words = text.split(/\s+/).filter((one) => one !== "");
    if (words.length === 0) return;
    const hits = await this.desk.client().search(words);
    if (hits.length === 0) {
      void vscode.window.showInformationMessage("Nothing was found.");
      return;
    }
    const items = hits.map((one) => ({
      label: inert(`${one.id} ${one.latest === "" ? one.status : one.latest}`),
      description: inert(`by ${JSON.stringify(one.publisher)}, which nobody proved`),
      detail: inert(one.about),
      id: one.id,
    }));
    const chosen = await vscode.window.showQuickPick(items, { title: "What a registry says; an install proves it first" });
    if (chosen !== undefined) await this.install(chosen.id);
  }

  private async install(what: string): Promise<void> {
    try {
      const done = await vscode.window.withProgress(
        { location: vscode.ProgressLocation.Notification, title: "Verifying and installing", cancellable: true },
        async (_, cancel) => {
          const gone = new AbortController();
          cancel.onCancellationRequested(() => gone.abort());
          return this.desk.client().install(what, { signal: gone.signal, milliseconds: INSTALL_MS_MAX });
        },
      );
      void vscode.window.showInformationMessage(inert(done.join("; ")));
      this.changed();
    } catch (fault) {
      if (!(fault instanceof Refused) || !FOR_A_PERSON.test(fault.code)) throw fault;
      // What a person must decide is asked by `mpp` itself, at a terminal, with the words that every channel has.
      const look = "Look in Terminal";
      const chosen = await vscode.window.showWarningMessage(inert(`${fault.message}. ${fault.hint}`), look);
      if (chosen === look) this.desk.terminal("mpp install", ["install", "--", what]);
    }
  }

  private async file(uri: vscode.Uri | undefined): Promise<string | undefined> {
    const open = uri ?? activeFile();
    if (open?.scheme === "file") return open.fsPath;
    const chosen = await vscode.window.showOpenDialog({ canSelectMany: false, filters: { "MPP packages": ["mpp"] }, title: "Choose a package" });
    return chosen?.[0]?.fsPath;
  }
}

/** Milliseconds. Reason: a package of the largest size is compiled within this. */
const INSTALL_MS_MAX = 600_000;

function activeFile(): vscode.Uri | undefined {
  const input: unknown = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const uri = input instanceof vscode.TabInputCustom || input instanceof vscode.TabInputText ? input.uri : vscode.window.activeTextEditor?.document.uri;
  return uri?.path.endsWith(".mpp") === true ? uri : undefined;
}

function base(file: string): string {
  return file.split(/[\\/]/).pop() ?? file;
}
