/** The mark of ownership in an object's metadata. */

import assert from "node:assert/strict";
import {
  parseXml,
  readMark,
  readMarkInText,
  serializeXml,
  writeMark,
} from "../../../providers/kvm/xml/mod.ts";

const mark = { stack: "shop", address: "lab/machine.web-0", digest: "abc" };
const bare = `<domain type='qemu'>
  <name>web-0</name>
  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>
  <title>Web</title>
  <memory unit='KiB'>1024</memory>
</domain>
`;

Deno.test("a mark is written behind the identity, read back, and taken out again", () => {
  const root = parseXml(bare);
  assert.equal(readMark(root), undefined);
  writeMark(root, mark);
  const text = serializeXml(root);
  assert.equal(
    text,
    bare.replace(
      "  <memory",
      `  <metadata>
    <staddle:resource xmlns:staddle='https://staddle.dev/xmlns/1' stack='shop' address='lab/machine.web-0' digest='abc'/>
  </metadata>
  <memory`,
    ),
  );
  assert.deepEqual(readMark(parseXml(text)), mark);
  const again = parseXml(text);
  writeMark(again, undefined);
  assert.equal(serializeXml(again), bare);
});

Deno.test("other metadata stays; the mark is found under any prefix, as libvirt writes it", () => {
  const text = bare.replace(
    "  <memory",
    `  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
      <libosinfo:os id="http://debian.org/debian/12"/>
    </libosinfo:libosinfo>
    <x:resource xmlns:x="https://staddle.dev/xmlns/1" stack="shop" address="a" digest="old"/>
  </metadata>
  <memory`,
  );
  const root = parseXml(text);
  assert.deepEqual(readMark(root), { stack: "shop", address: "a", digest: "old" });
  writeMark(root, { ...mark, address: "a" });
  assert.equal(serializeXml(root), text.replace('"old"', '"abc"'));
  writeMark(root, undefined);
  assert.match(serializeXml(root), /<\/libosinfo:libosinfo>\n {2}<\/metadata>/);
});

Deno.test("a like element of another namespace is no mark, nor is one that is not whole", () => {
  const other = bare.replace(
    "  <memory",
    `  <metadata><y:resource xmlns:y="urn:y" stack="a" address="b" digest="c"/></metadata>\n  <memory`,
  );
  assert.equal(readMark(parseXml(other)), undefined);
  const half = other.replace("urn:y", "https://staddle.dev/xmlns/1").replace(' digest="c"', "");
  assert.equal(readMark(parseXml(half)), undefined);
});

Deno.test("a mark is read from text as from what was parsed", () => {
  const ours = (attributes: string) =>
    `<staddle:resource xmlns:staddle="https://staddle.dev/xmlns/1" ${attributes}/>`;
  const whole = 'stack="shop" address="lab/machine.web-0" digest="abc"';
  const other = '<app:x xmlns:app="https://example.org/app"/>';
  const cases: readonly (readonly [metadata: string, known: boolean])[] = [
    [ours(whole), true],
    [ours(`${whole} generation="3" restart="due"`), true],
    [ours('digest="abc" stack="shop" address="lab/machine.web-0"'), true],
    [ours(whole).replaceAll('"', "'"), true],
    [ours(whole).replaceAll("staddle:", "s:").replace("xmlns:staddle", "xmlns:s"), true],
    [other + ours(whole), true],
    [ours(whole) + other, true],
    [`<!-- ${ours(whole)} -->`, false],
    [`<app:x xmlns:app="https://example.org/app">${ours(whole)}</app:x>`, false],
    [ours('stack="shop" digest="abc"'), false],
    [ours(whole).replace("xmlns/1", "xmlns/2"), false],
    [other, false],
  ];
  for (const [metadata, known] of cases) {
    const text = bare.replace(
      "  <memory",
      `  <metadata>\n    ${metadata}\n  </metadata>\n  <memory`,
    );
    assert.deepEqual(readMarkInText(text), known ? mark : undefined, metadata);
    assert.deepEqual(readMarkInText(text), readMark(parseXml(text)), metadata);
  }
  const escaped = bare.replace(
    "  <memory",
    `  <metadata>${ours(whole.replace("shop", "a &amp; b"))}</metadata>\n  <memory`,
  );
  assert.equal(readMarkInText(escaped)?.stack, "a & b");
  assert.equal(readMarkInText(bare), undefined);
});
