/** A patch changes what it is told to change, and nothing else. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  append,
  child,
  children,
  element,
  ensureElement,
  getElement,
  getElements,
  getPath,
  insertBefore,
  parseXml,
  removeElement,
  replace,
  serializeXml,
  setPath,
  textOf,
  type XmlElement,
} from "../../../providers/kvm/xml/mod.ts";
import { StaddleError } from "../../../providers/error.ts";

const source = `<domain type='kvm'>
  <name>web</name>
  <!-- kept by hand -->
  <vcpu placement='static'>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <boot dev="hd"/>
  </os>
  <features>
    <acpi/>
  </features>
  <devices>
    <disk type='file' device='disk'>
      <target dev='vda' bus='virtio'/>
    </disk>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
    <channel type='spicevmc'/>
  </devices>
</domain>
`;

function patched(change: (root: XmlElement) => void): string {
  const root = parseXml(source);
  change(root);
  return serializeXml(root);
}

/** The lines that went and came. */
function difference(change: (root: XmlElement) => void): string[] {
  const before = source.split("\n");
  const after = patched(change).split("\n");
  let head = 0;
  while (head < before.length && before[head] === after[head]) head++;
  let tail = 0;
  while (
    tail < before.length - head && tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) tail++;
  return [
    ...before.slice(head, before.length - tail).map((line) => `-${line}`),
    ...after.slice(head, after.length - tail).map((line) => `+${line}`),
  ];
}

const cases: readonly {
  readonly name: string;
  readonly change: (root: XmlElement) => void;
  readonly lines: readonly string[];
}[] = [
  {
    name: "a text",
    change: (root) => setPath(root, "./vcpu", "4"),
    lines: ["-  <vcpu placement='static'>2</vcpu>", "+  <vcpu placement='static'>4</vcpu>"],
  },
  {
    name: "an equal text changes nothing",
    change: (root) => setPath(root, "./vcpu", "2"),
    lines: [],
  },
  {
    name: "a new attribute comes last",
    change: (root) => setPath(root, "./vcpu/@current", "1"),
    lines: [
      "-  <vcpu placement='static'>2</vcpu>",
      "+  <vcpu placement='static' current='1'>2</vcpu>",
    ],
  },
  {
    name: "an attribute keeps its kind of quote",
    change: (root) => setPath(root, "./os/boot/@dev", "network"),
    lines: ['-    <boot dev="hd"/>', '+    <boot dev="network"/>'],
  },
  {
    name: "an attribute that goes takes the element that it leaves empty",
    change: (root) => setPath(root, "./os/boot/@dev", undefined),
    lines: ['-    <boot dev="hd"/>'],
  },
  {
    name: "an element that goes takes the parents that it leaves empty",
    change: (root) => setPath(root, "./features/acpi", undefined),
    lines: ["-  <features>", "-    <acpi/>", "-  </features>"],
  },
  {
    name: "an element that was empty stays when nothing is taken from it",
    change: (root) => setPath(root, "./features/acpi/@x", undefined),
    lines: [],
  },
  {
    name: "missing parents are made, laid out like their siblings",
    change: (root) => setPath(root, "./cpu/topology/@cores", "2"),
    lines: ["+  <cpu>", "+    <topology cores='2'/>", "+  </cpu>"],
  },
  {
    name: "an element of a kind stands behind its like",
    change: (root) =>
      append(
        child(root, "devices")!,
        element("disk", { type: "file" }, element("source", { file: "/a'b" })),
        "disk",
      ),
    lines: ["+    <disk type='file'>", "+      <source file='/a&apos;b'/>", "+    </disk>"],
  },
  {
    name: "an element before another",
    change: (root) => insertBefore(root, element("title", {}, "a < b"), child(root, "vcpu")!),
    lines: ["+  <title>a &lt; b</title>"],
  },
  {
    name: "an element in the place of another",
    change: (root) => replace(root, child(root, "vcpu")!, element("vcpu", {}, 8)),
    lines: ["-  <vcpu placement='static'>2</vcpu>", "+  <vcpu>8</vcpu>"],
  },
  {
    name: "a step may ask for an attribute",
    change: (root) => setPath(root, "./devices/channel[@type='unix']/target/@name", "x"),
    lines: [
      "-      <target type='virtio' name='org.qemu.guest_agent.0'/>",
      "+      <target type='virtio' name='x'/>",
    ],
  },
  {
    name: "an element that is asked for by attribute is made with it",
    change: (root) => setPath(root, "./devices/channel[@type='pty']/target/@name", "x"),
    lines: ["+    <channel type='pty'>", "+      <target name='x'/>", "+    </channel>"],
  },
  {
    name: "an empty element is opened for what comes into it",
    change: (root) => setPath(root, "./devices/channel[@type='spicevmc']/target/@name", "s"),
    lines: [
      "-    <channel type='spicevmc'/>",
      "+    <channel type='spicevmc'>",
      "+      <target name='s'/>",
      "+    </channel>",
    ],
  },
  {
    name: "a device out of the middle",
    change: (root) =>
      void removeElement(root, "./devices", getElement(root, "./devices/channel[@type='unix']")!),
    lines: [
      "-    <channel type='unix'>",
      "-      <target type='virtio' name='org.qemu.guest_agent.0'/>",
      "-    </channel>",
    ],
  },
];

for (const { name, change, lines } of cases) {
  Deno.test(`patching: ${name}`, () => assert.deepEqual(difference(change), lines));
}

Deno.test("paths read text, attributes and elements", () => {
  const root = parseXml(source);
  assert.equal(getPath(root, "./vcpu"), "2");
  assert.equal(getPath(root, "./@type"), "kvm");
  assert.equal(getPath(root, "./os/type/@arch"), "x86_64");
  assert.equal(getPath(root, "./features/acpi"), "");
  assert.equal(getPath(root, "./features/apic"), undefined);
  assert.equal(getPath(root, "./os/type/@none"), undefined);
  assert.equal(getElements(root, "./devices/channel").length, 2);
  assert.equal(getElements(root, "./nothing/channel").length, 0);
  assert.equal(ensureElement(root, "./os/type"), getElement(root, "./os/type"));
});

Deno.test("a path that cannot be is refused with its text", () => {
  for (const path of ["vcpu", "./a//b", "./a[1]", "./a/@b/c"]) {
    assert.throws(
      () => getPath(parseXml(source), path),
      (error) => error instanceof StaddleError && error.code === "xml.path",
      path,
    );
  }
  assert.throws(() => getElement(parseXml(source), "./os/type/@arch"), /lead to an element/);
});

Deno.test("what XML cannot hold is refused when it is written", () => {
  for (const text of ["a\u0000", "\u0008", "\ud800", "\uffff"]) {
    assert.throws(
      () => serializeXml(element("a", { b: text })),
      (error) => error instanceof StaddleError && error.code === "xml.impossible-character",
    );
  }
});

Deno.test("a compact document stays on its line", () => {
  const root = parseXml("<a><b/></a>");
  append(root, element("c"));
  assert.equal(serializeXml(root), "<a><b/><c/></a>");
});

Deno.test("text beside elements is not laid out", () => {
  const root = parseXml("<a>x <b/> y</a>");
  append(root, element("c"));
  assert.equal(serializeXml(root), "<a>x <b/> y<c/></a>");
});

Deno.test("what was put in and taken out again leaves the source", () => {
  const root = parseXml(source);
  setPath(root, "./cpu/topology/@cores", "2");
  setPath(root, "./cpu/topology/@cores", undefined);
  assert.equal(serializeXml(root), source);
});

/** Text that XML can hold, without white space at its ends. */
const value = fc.string({ unit: "binary", maxLength: 30 })
  // deno-lint-ignore no-control-regex
  .map((text) => text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, ""))
  .filter((text) => text.isWellFormed());

Deno.test("property: any text and attribute is read back as it was set", () => {
  fc.assert(fc.property(value, value, (text, attribute) => {
    const root = parseXml(source);
    setPath(root, "./description", text);
    setPath(root, "./os/type/@machine", attribute);
    const again = parseXml(serializeXml(root));
    assert.equal(getPath(again, "./description"), text);
    assert.equal(getPath(again, "./os/type/@machine"), attribute);
  }));
});

Deno.test("property: undeclared nodes keep their bytes through any series of patches", () => {
  const step = fc.tuple(
    fc.constantFrom("./vcpu", "./vcpu/@cpuset", "./cpu/@mode", "./cpu/topology/@cores", "./title"),
    fc.option(fc.constantFrom("1", "a & b", "x'y"), { nil: undefined }),
  );
  const untouched = [
    "  <!-- kept by hand -->\n",
    source.slice(source.indexOf("  <os>"), source.indexOf("</devices>")),
  ];
  fc.assert(fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
    const root = parseXml(source);
    for (const [path, text] of steps) setPath(root, path, text);
    const result = serializeXml(root);
    for (const part of untouched) assert.ok(result.includes(part), result);
    assert.equal(serializeXml(parseXml(result)), result);
    for (const item of children(root)) assert.equal(typeof textOf(item), "string");
    // No blank line, no line with two elements of the root.
    assert.doesNotMatch(result, /\n\s*\n/);
  }));
});
