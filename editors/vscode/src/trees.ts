/** The three lists. Labels and tips are plain text, never markdown: what a stranger named stays a name. */

import * as vscode from "vscode";

import type { Row } from "./rows";

export class Rows implements vscode.TreeDataProvider<Row> {
  private rows: readonly Row[] = [];
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;

  set(rows: readonly Row[]): void {
    this.rows = rows;
    this.changed.fire(undefined);
  }

  getChildren(row?: Row): Row[] {
    return [...(row === undefined ? this.rows : row.below)];
  }

  getTreeItem(row: Row): vscode.TreeItem {
    const state = row.below.length > 0 ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None;
    const item = new vscode.TreeItem(row.label, state);
    item.description = row.note;
    item.tooltip = row.tip;
    item.iconPath = new vscode.ThemeIcon(row.icon);
    item.contextValue = `mpp.${row.kind}`;
    item.accessibilityInformation = { label: row.note === "" ? row.label : `${row.label}, ${row.note}` };
    if (row.kind === "question") item.command = { command: "mpp.approvals.answer", title: "Answer", arguments: [row] };
    if (row.kind === "call") item.command = { command: "mpp.calls.story", title: "Show the Story", arguments: [row] };
    return item;
  }
}
