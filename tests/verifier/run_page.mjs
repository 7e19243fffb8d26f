// Runs the script of verify.html under Node: jobs as JSON on standard input, answers as JSON on standard output.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import vm from "node:vm";

const given = JSON.parse(readFileSync(0, "utf8"));
const scripts = [...readFileSync(given.page, "utf8").matchAll(/<script id="\w+">([^]*?)<\/script>/g)].map((found) => found[1]);
for (const script of scripts) vm.runInThisContext(script);
MppAudit.settings.webcrypto = given.webcrypto;

function folder(base, under = "") {
  return readdirSync(join(base, under)).flatMap((name) => {
    const path = under ? `${under}/${name}` : name;
    return statSync(join(base, path)).isDirectory() ? folder(base, path) : [[path, new Blob([readFileSync(join(base, path))])]];
  });
}
const bytes = (path) => new Uint8Array(readFileSync(path));
const out = [];
for (const job of given.jobs) {
  if (job.command === "verifies") {
    out.push(await MppAudit.verifies(...[job.key, job.message, job.signature].map(MppAudit.unhex)));
    continue;
  }
  if (job.command === "sha256") {
    out.push(MppAudit.hex(MppAudit.sha256(MppAudit.unhex(job.data))));
    continue;
  }
  const want = MppAudit.readWant({ ...job.want, anchors: (job.anchors || []).map((path) => ({ name: path, data: bytes(path) })) });
  if (typeof want === "string") out.push({ usage: want });
  else if (job.command === "log") out.push(await MppAudit.verifyLog(new Map(folder(job.file)), want));
  else out.push(await MppAudit.verifyAlone(job.command, bytes(job.file), job.file, want));
}
process.stdout.write(JSON.stringify(out));
