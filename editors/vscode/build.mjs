// Makes dist/ of src/: npm ci && node build.mjs. A test compares the digests that it writes, so that dist/ is never older than src/.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const compiler = process.argv[2] ?? createRequire(import.meta.url).resolve("typescript/bin/tsc");
// The types lie beside the compiler, wherever that is.
const types = join(dirname(compiler), "..", "..", "@types");
rmSync(join(here, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [compiler, "-p", here, "--typeRoots", types], { stdio: "inherit" });

const digests = {};
for (const folder of ["src", "dist"])
  for (const name of readdirSync(join(here, folder)).sort()) digests[`${folder}/${name}`] = createHash("sha256").update(readFileSync(join(here, folder, name))).digest("hex");
writeFileSync(join(here, "dist", "digests.json"), `${JSON.stringify(digests, null, 1)}\n`);
