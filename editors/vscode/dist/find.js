"use strict";
/** Which `mpp` is run: the one of the setting, one of the PATH, or the workspace's own once a person agreed to it. */
var __createBinding = (this && this.__createBinding) || (Object.create ? (function(o, m, k, k2) {
    if (k2 === undefined) k2 = k;
    var desc = Object.getOwnPropertyDescriptor(m, k);
    if (!desc || ("get" in desc ? !m.__esModule : desc.writable || desc.configurable)) {
      desc = { enumerable: true, get: function() { return m[k]; } };
    }
    Object.defineProperty(o, k2, desc);
}) : (function(o, m, k, k2) {
    if (k2 === undefined) k2 = k;
    o[k2] = m[k];
}));
var __setModuleDefault = (this && this.__setModuleDefault) || (Object.create ? (function(o, v) {
    Object.defineProperty(o, "default", { enumerable: true, value: v });
}) : function(o, v) {
    o["default"] = v;
});
var __importStar = (this && this.__importStar) || (function () {
    var ownKeys = function(o) {
        ownKeys = Object.getOwnPropertyNames || function (o) {
            var ar = [];
            for (var k in o) if (Object.prototype.hasOwnProperty.call(o, k)) ar[ar.length] = k;
            return ar;
        };
        return ownKeys(o);
    };
    return function (mod) {
        if (mod && mod.__esModule) return mod;
        var result = {};
        if (mod != null) for (var k = ownKeys(mod), i = 0; i < k.length; i++) if (k[i] !== "default") __createBinding(result, mod, k[i]);
        __setModuleDefault(result, mod);
        return result;
    };
})();
Object.defineProperty(exports, "__esModule", { value: true });
exports.within = within;
exports.find = find;
const node_fs_1 = require("node:fs");
const node_os_1 = require("node:os");
const path = __importStar(require("node:path"));
function runnable(file) {
    try {
        (0, node_fs_1.accessSync)(file, node_fs_1.constants.X_OK);
        return (0, node_fs_1.statSync)(file).isFile();
    }
    catch {
        return false;
    }
}
function real(file) {
    try {
        return (0, node_fs_1.realpathSync)(file);
    }
    catch {
        return path.resolve(file);
    }
}
function within(file, folder) {
    const way = path.relative(folder, file);
    return way === "" || (!way.startsWith("..") && !path.isAbsolute(way));
}
function find(places) {
    // Attack: a folder that somebody only wants to look at starts a program, by whatever way.
    if (!places.trusted)
        return { kind: "untrusted" };
    if (places.setting !== "")
        return ofSetting(places.setting);
    const name = places.windows ? "mpp.exe" : "mpp";
    const roots = places.folders.map(real);
    for (const folder of places.path.split(path.delimiter)) {
        // Attack: a PATH with "." or "node_modules/.bin", or one that leads into the workspace: its author would choose the program.
        if (!path.isAbsolute(folder))
            continue;
        const program = path.join(folder, name);
        if (roots.some((root) => within(real(folder), root) || within(program, root)))
            continue;
        if (runnable(program))
            return { kind: "found", program, from: "PATH" };
    }
    return ofWorkspace(places, name);
}
function ofSetting(setting) {
    const program = setting.startsWith("~/") ? path.join((0, node_os_1.homedir)(), setting.slice(2)) : setting;
    if (!path.isAbsolute(program))
        return { kind: "missing", words: "the setting mpp.path must be a whole path" };
    if (!runnable(program))
        return { kind: "missing", words: "the setting mpp.path names no program" };
    return { kind: "found", program, from: "setting" };
}
function ofWorkspace(places, name) {
    for (const folder of places.folders) {
        const program = path.join(folder, ".venv", places.windows ? "Scripts" : "bin", name);
        if (!runnable(program))
            continue;
        // Attack: a workspace brings its own mpp, which would show whatever it likes and answer for the person. Trust in a folder alone is no yes to that.
        return places.agreed.includes(program) ? { kind: "found", program, from: "workspace" } : { kind: "offer", program };
    }
    return { kind: "missing", words: "mpp is not on the PATH" };
}
