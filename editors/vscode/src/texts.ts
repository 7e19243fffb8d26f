/** Read-only texts: a scheme of our own, served from memory. Nobody can write to them, and they have no scripts. */

import * as vscode from "vscode";

import { TEXTS_KEPT } from "./limits";

export const SCHEME = "mpp-text";

export class Texts implements vscode.TextDocumentContentProvider {
  private readonly kept = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.kept.get(uri.path) ?? "This text is no longer kept. Ask for it again.\n";
  }

  async show(title: string, text: string): Promise<void> {
    // The title is the name of the tab; what is not a plain letter is left out of it.
    const path = `/${title.replace(/[^A-Za-z0-9 ._-]/g, "_").slice(0, 80)}.txt`;
    this.kept.delete(path);
    this.kept.set(path, text);
    for (const old of [...this.kept.keys()].slice(0, -TEXTS_KEPT)) this.kept.delete(old);
    const uri = vscode.Uri.from({ scheme: SCHEME, path });
    this.changed.fire(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true });
  }
}
