// Makes dist/ of src/: node build.mjs, with TypeScript 5.9 installed (npm install --no-save typescript@5.9). A test compares the digests that it writes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const compiler = process.argv[2] ?? createRequire(import.meta.url).resolve("typescript/bin/tsc");
rmSync(`${here}dist`, { recursive: true, force: true });
execFileSync(process.execPath, [compiler, "-p", here], { stdio: "inherit" });

const digests = {};
for (const folder of ["src", "dist"])
  for (const name of readdirSync(here + folder).sort()) digests[`${folder}/${name}`] = createHash("sha256").update(readFileSync(`${here}${folder}/${name}`)).digest("hex");
writeFileSync(`${here}dist/digests.json`, `${JSON.stringify(digests, null, 1)}\n`);
