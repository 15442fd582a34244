/** What libvirt writes goes through the tree byte for byte. */

import assert from "node:assert/strict";
import process from "node:process";
import { parseXml as parseWithoutTree } from "@rgrove/parse-xml";
import fc from "fast-check";
import { cloneXml, parseXml, serializeXml } from "../../../providers/kvm/xml/mod.ts";
import { StaddleError } from "../../../providers/error.ts";

/** virsh's answer from libvirt's in-memory driver: no daemon is asked. */
function virsh(...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command("virsh", {
    args: ["-c", "test:///default", ...args],
  }).outputSync();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

const commands = [
  ["dumpxml", "test"],
  ["dumpxml", "test", "--inactive"],
  ["net-dumpxml", "default"],
  ["pool-dumpxml", "default-pool"],
  ["capabilities"],
  ["iface-dumpxml", "eth1"],
  ["nodedev-dumpxml", "computer"],
];

for (const command of commands) {
  Deno.test(`libvirt's XML keeps its bytes: ${command.join(" ")}`, () => {
    const text = virsh(...command);
    assert.equal(serializeXml(parseXml(text)), text);
    assert.equal(serializeXml(cloneXml(parseXml(text))), text);
  });
}

Deno.test("every spelling survives: entities, quotes, comments, CDATA, white space", () => {
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<!--
WARNING: THIS IS AN AUTO-GENERATED FILE.
-->

<domain type="kvm"   id = '3'
        xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <title>a &lt;b&gt; &amp; &apos;c&apos; &quot;d&quot; &#x41;\u00e9\u{1f600}</title>
  <description>two
lines\t</description><!-- beside --><empty></empty><gone/>
  <metadata>
    <app:x xmlns:app="urn:x" a="1 &lt; 2"><![CDATA[<raw & text>]]><?note here?></app:x>
  </metadata>
  <sp > </sp >
</domain>
<!-- behind -->
`;
  assert.equal(serializeXml(parseXml(text)), text);
});

Deno.test("a byte order mark and carriage returns at line ends are dropped", () => {
  assert.equal(serializeXml(parseXml("\ufeff<a>\r\n  <b/>\r\n</a>\r\n")), "<a>\n  <b/>\n</a>\n");
});

const malformed: readonly (readonly [string, string])[] = [
  ["<a><b></a>", "missing end tag"],
  ["<a b='1' b='2'/>", "attribute twice"],
  ["<a>&nbsp;</a>", "unknown entity"],
  ["<a/><b/>", "two roots"],
  ["", "nothing"],
  ["<a b=1/>", "no quotes"],
  ["<a>\u0001</a>", "control character"],
];

for (const [text, why] of malformed) {
  Deno.test(`malformed XML is refused with a code: ${why}`, () => {
    assert.throws(
      () => parseXml(text),
      (error) => error instanceof StaddleError && error.code === "xml.malformed",
    );
  });
}

Deno.test("the place of an error is told", () => {
  assert.throws(() => parseXml("<a>\n  <b></c>\n</a>"), /line 2, column/);
});

const name = fc.stringMatching(/^[a-z][a-z0-9_:-]{0,8}$/).filter((text) =>
  !text.endsWith(":") && !/:.*:/.test(text) && !text.startsWith("xml")
);
/** Text as libvirt escapes it, never white space alone (that is layout). */
const escaped = fc.string({ unit: "grapheme", maxLength: 20 })
  // deno-lint-ignore no-control-regex
  .map((text) => text.replace(/[\x00-\x1f\x7f\ufffe\uffff]|\s/g, "x"))
  .filter((text) => text.isWellFormed())
  .map((text) => text.replace(/[&<>'"]/g, (character) => `&#${character.charCodeAt(0)};`));

const { tree } = fc.letrec<{ tree: (indent: string) => string }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.tuple(name, fc.uniqueArray(name, { maxLength: 3 }), escaped).map(
      ([tag, keys, value]) => (indent: string) => {
        const attributes = keys.map((key) => ` ${key}='${value}'`).join("");
        return value === ""
          ? `${indent}<${tag}${attributes}/>\n`
          : `${indent}<${tag}${attributes}>${value}</${tag}>\n`;
      },
    ),
    fc.tuple(name, fc.array(tie("tree"), { minLength: 1, maxLength: 4 })).map(
      ([tag, inner]) => (indent: string) =>
        `${indent}<${tag}>\n${
          inner.map((item) => item(`${indent}  `)).join("")
        }${indent}</${tag}>\n`,
    ),
  ),
}));

Deno.test("property: any document in libvirt's layout keeps its bytes", () => {
  fc.assert(fc.property(tree, (make) => {
    const text = make("");
    assert.equal(serializeXml(parseXml(text)), text);
  }));
});

Deno.test("the tree costs less than the parser that it is made by", () => {
  let text = virsh("dumpxml", "test");
  const disk = /^ {4}<disk[\s\S]*?<\/disk>\n/m.exec(text)![0];
  while (text.length < 8000) text = text.replace("  </devices>", `${disk}  </devices>`);
  // Processor time, turn by turn, the best of each: others may be busy on the machine.
  const time = (work: () => unknown) => {
    const begin = process.cpuUsage();
    for (let count = 0; count < 50; count++) work();
    const { user, system } = process.cpuUsage(begin);
    return (user + system) / 1000;
  };
  let alone = Infinity;
  let whole = Infinity;
  for (let round = 0; round < 12; round++) {
    alone = Math.min(alone, time(() => parseWithoutTree(text, { includeOffsets: true })));
    whole = Math.min(whole, time(() => parseXml(text)));
  }
  assert.ok(whole < 2.5 * alone, `50 domains: ${whole} ms, of which parsing ${alone} ms`);
});
