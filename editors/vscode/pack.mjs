// Packs the extension into a .vsix, byte for byte the same from the same files: node pack.mjs [OUT]. No account, no store, no network.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";

const here = fileURLToPath(new URL(".", import.meta.url));
const manifest = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));

const escaped = (text) => text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);

const types = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">${[
  [".js", "application/javascript"],
  [".json", "application/json"],
  [".md", "text/markdown"],
  [".svg", "image/svg+xml"],
  [".txt", "text/plain"],
  [".vsixmanifest", "text/xml"],
]
  .map(([end, type]) => `<Default Extension="${end}" ContentType="${type}"/>`)
  .join("")}</Types>
`;

const about = `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
<Metadata>
<Identity Language="en-US" Id="${escaped(manifest.name)}" Version="${escaped(manifest.version)}" Publisher="${escaped(manifest.publisher)}"/>
<DisplayName>${escaped(manifest.displayName)}</DisplayName>
<Description xml:space="preserve">${escaped(manifest.description)}</Description>
<Tags>mcp</Tags>
<Categories>${escaped(manifest.categories.join(","))}</Categories>
<GalleryFlags>Private</GalleryFlags>
<Properties>
<Property Id="Microsoft.VisualStudio.Code.Engine" Value="${escaped(manifest.engines.vscode)}"/>
<Property Id="Microsoft.VisualStudio.Code.ExtensionDependencies" Value=""/>
<Property Id="Microsoft.VisualStudio.Code.ExtensionPack" Value=""/>
<Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="${escaped(manifest.extensionKind.join(","))}"/>
</Properties>
<License>extension/LICENSE.txt</License>
</Metadata>
<Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
<Dependencies/>
<Assets>
<Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
<Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true"/>
<Asset Type="Microsoft.VisualStudio.Services.Content.License" Path="extension/LICENSE.txt" Addressable="true"/>
</Assets>
</PackageManifest>
`;

// What is inside; whatever else lies here, such as node_modules, is not.
const files = new Map([
  ["[Content_Types].xml", Buffer.from(types)],
  ["extension.vsixmanifest", Buffer.from(about)],
  ["extension/LICENSE.txt", readFileSync(join(here, "..", "..", "LICENSE"))],
]);
for (const name of ["README.md", "package.json"]) files.set(`extension/${name}`, readFileSync(join(here, name)));
for (const folder of ["dist", "media"])
  for (const name of readdirSync(join(here, folder)).sort()) if (name !== "digests.json") files.set(`extension/${folder}/${name}`, readFileSync(join(here, folder, name)));

// A ZIP without compression and with one date: compressors differ between versions of node.
const DATE = 0x21;
const parts = [];
const directory = [];
let at = 0;
for (const name of [...files.keys()].sort()) {
  const data = files.get(name);
  const title = Buffer.from(name, "utf8");
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  head.writeUInt16LE(0x0800, 6);
  head.writeUInt16LE(DATE, 12);
  head.writeUInt32LE(crc32(data), 14);
  head.writeUInt32LE(data.length, 18);
  head.writeUInt32LE(data.length, 22);
  head.writeUInt16LE(title.length, 26);
  const row = Buffer.alloc(46);
  row.writeUInt32LE(0x02014b50, 0);
  row.writeUInt16LE(0x0314, 4);
  head.copy(row, 6, 4, 30);
  row.writeUInt32LE((0o100644 << 16) >>> 0, 38);
  row.writeUInt32LE(at, 42);
  parts.push(head, title, data);
  directory.push(row, title);
  at += head.length + title.length + data.length;
}
const size = directory.reduce((sum, one) => sum + one.length, 0);
const end = Buffer.alloc(22);
end.writeUInt32LE(0x06054b50, 0);
end.writeUInt16LE(files.size, 8);
end.writeUInt16LE(files.size, 10);
end.writeUInt32LE(size, 12);
end.writeUInt32LE(at, 16);

const out = process.argv[2] ?? join(here, "..", "..", "build", `${manifest.name}-${manifest.version}.vsix`);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, Buffer.concat([...parts, ...directory, end]));
console.log(out);
