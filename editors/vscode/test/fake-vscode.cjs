// A `vscode` module for tests without VS Code: it keeps what was registered and shown, and answers dialogs as the test says.
// It is a twin of the few calls that the extension makes and proves nothing of VS Code itself; real.mjs tries that.
"use strict";
const Module = require("node:module");

class EventEmitter {
  constructor() {
    this.listeners = new Set();
    this.event = (listener) => {
      this.listeners.add(listener);
      return { dispose: () => this.listeners.delete(listener) };
    };
  }
  fire(value) {
    for (const one of this.listeners) one(value);
  }
}

class Uri {
  constructor(scheme, path) {
    this.scheme = scheme;
    this.path = path;
    this.fsPath = path;
  }
  static file(path) {
    return new Uri("file", path);
  }
  static from({ scheme, path }) {
    return new Uri(scheme, path);
  }
}

const named = (name) => class {
  constructor(...given) {
    this.kind = name;
    this.given = given;
  }
};

function fake() {
  const world = {
    settings: {}, // what the person set; values of a workspace are in `workspace`
    workspaceSettings: {},
    defaults: Object.fromEntries(Object.entries(require("../package.json").contributes.configuration.properties).map(([name, one]) => [name.replace("mpp.", ""), one.default])),
    commands: new Map(),
    context: new Map(),
    views: new Map(),
    shown: [], // every message: {how, words, options, items}
    answers: [], // functions (message) => item, the first that answers is taken away
    inputs: [],
    picks: [],
    documents: [],
    terminals: [],
    providers: new Map(),
    content: new Map(),
    logged: [],
    status: [],
    events: { trust: new EventEmitter(), folders: new EventEmitter(), settings: new EventEmitter(), closed: new EventEmitter(), state: new EventEmitter() },
  };
  const message = (how) => async (words, ...rest) => {
    const options = typeof rest[0] === "object" && !("title" in rest[0]) ? rest.shift() : {};
    const found = { how, words, options, items: rest };
    world.shown.push(found);
    for (const [index, one] of world.answers.entries()) {
      const chosen = await one(found);
      if (chosen !== undefined) {
        world.answers.splice(index, 1);
        return chosen === "" ? undefined : chosen;
      }
    }
    return undefined;
  };
  const vscode = {
    EventEmitter,
    Uri,
    ThemeIcon: named("icon"),
    TreeItem: class {
      constructor(label, collapsibleState) {
        this.label = label;
        this.collapsibleState = collapsibleState;
      }
    },
    TreeItemCollapsibleState: { None: 0, Collapsed: 1, Expanded: 2 },
    StatusBarAlignment: { Left: 1, Right: 2 },
    ProgressLocation: { Notification: 15 },
    TabInputText: class {},
    TabInputCustom: class {},
    McpStdioServerDefinition: class {
      constructor(label, command, args, env) {
        Object.assign(this, { label, command, args, env });
      }
    },
    workspace: {
      isTrusted: true,
      workspaceFolders: [],
      getConfiguration: () => ({
        get: (name) => world.workspaceSettings[name] ?? world.settings[name] ?? world.defaults[name],
        inspect: (name) => ({ defaultValue: world.defaults[name], globalValue: world.settings[name], workspaceValue: world.workspaceSettings[name] }),
      }),
      registerTextDocumentContentProvider: (scheme, provider) => (world.content.set(scheme, provider), { dispose() {} }),
      openTextDocument: async (uri) => ({ uri, text: world.content.get(uri.scheme).provideTextDocumentContent(uri) }),
      onDidGrantWorkspaceTrust: world.events.trust.event,
      onDidChangeWorkspaceFolders: world.events.folders.event,
      onDidChangeConfiguration: world.events.settings.event,
    },
    window: {
      state: { focused: true },
      tabGroups: { activeTabGroup: { activeTab: undefined } },
      activeTextEditor: undefined,
      createOutputChannel: () => ({ warn: (one) => world.logged.push(one), error: (one) => world.logged.push(one), dispose() {} }),
      createStatusBarItem: () => {
        const item = { visible: false, show: () => (item.visible = true), hide: () => (item.visible = false), dispose() {} };
        world.status.push(item);
        return item;
      },
      createTreeView: (id, { treeDataProvider }) => {
        const view = { provider: treeDataProvider, badge: undefined, message: "", dispose() {} };
        world.views.set(id, view);
        return view;
      },
      createTerminal: (options) => {
        const terminal = { ...options, shown: false, show: () => (terminal.shown = true) };
        world.terminals.push(terminal);
        return terminal;
      },
      showInformationMessage: message("information"),
      showWarningMessage: message("warning"),
      showErrorMessage: message("error"),
      showInputBox: async () => world.inputs.shift(),
      showQuickPick: async (items) => world.picks.shift()?.(items),
      showOpenDialog: async () => undefined,
      showSaveDialog: async () => world.save,
      showTextDocument: async (document) => void world.documents.push(document),
      withProgress: (_, what) => what({}, { onCancellationRequested() {} }),
      onDidCloseTerminal: world.events.closed.event,
      onDidChangeWindowState: world.events.state.event,
    },
    commands: {
      registerCommand: (name, what) => {
        if (world.commands.has(name)) throw new Error(`${name} is registered twice`);
        world.commands.set(name, what);
        return { dispose: () => world.commands.delete(name) };
      },
      executeCommand: async (name, ...given) => {
        if (name === "setContext") world.context.set(given[0], given[1]);
      },
    },
    lm: { registerMcpServerDefinitionProvider: (id, provider) => (world.providers.set(id, provider), { dispose() {} }) },
  };
  return { vscode, world };
}

/** The extension with a fresh fake below it. */
function load() {
  const { vscode, world } = fake();
  const usual = Module._load;
  for (const name of Object.keys(require.cache)) if (name.includes("/dist/")) delete require.cache[name];
  Module._load = (name, ...rest) => (name === "vscode" ? vscode : usual(name, ...rest));
  try {
    return { vscode, world, extension: require("../dist/extension.js"), trees: require("../dist/trees.js") };
  } finally {
    Module._load = usual;
  }
}

/** What activate is given. */
function context() {
  const kept = new Map();
  return { subscriptions: [], workspaceState: { get: (name) => kept.get(name), update: async (name, value) => void kept.set(name, value) } };
}

module.exports = { load, context };
