/** MPP as an MCP server of the editor: the tools of the installed packages, over `mpp serve`. */

import * as vscode from "vscode";

import type { Desk } from "./desk";

export const PROVIDER = "mpp.server";
const AGENT = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export function serveArgs(agent: string, folders: readonly string[]): string[] {
  const named = AGENT.test(agent) ? agent : "vscode";
  // With several folders nobody knows which one a tool means: then it gets none.
  const [only, ...more] = folders;
  return ["serve", "--agent", named, ...(only !== undefined && more.length === 0 ? ["--workspace", only] : [])];
}

export class Server implements vscode.McpServerDefinitionProvider<vscode.McpStdioServerDefinition> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeMcpServerDefinitions = this.changed.event;

  constructor(private readonly desk: Desk) {}

  refresh(): void {
    this.changed.fire();
  }

  provideMcpServerDefinitions(): vscode.McpStdioServerDefinition[] {
    const found = this.desk.found();
    if (found.kind !== "found" || !this.desk.flag("serve.enabled")) return [];
    const folders = (vscode.workspace.workspaceFolders ?? []).filter((one) => one.uri.scheme === "file").map((one) => one.uri.fsPath);
    const home = this.desk.setting("home");
    const args = serveArgs(this.desk.setting("serve.agent"), folders);
    return [new vscode.McpStdioServerDefinition("MPP", found.program, args, home === "" ? {} : { MPP_HOME: home })];
  }
}
