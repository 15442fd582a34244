/** The NoCloud image: read by other people's programs, and always the same bytes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type SeedFiles, seedIso, seedIsoSize } from "../../../providers/kvm/cloudinit/mod.ts";
import { requirement } from "../../support/skip.ts";

const files: SeedFiles = {
  userData: "#cloud-config\nhostname: web-0\n",
  metaData: "instance-id: 6695eb01\nlocal-hostname: web-0\n",
  networkConfig: "version: 2\n",
};

function run(command: string, ...args: string[]): Uint8Array {
  const { success, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
  return stdout;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Calls `read` with the image's path, and removes it afterwards. */
function withImage(seed: SeedFiles, read: (path: string) => void): void {
  const path = Deno.makeTempFileSync({ suffix: ".iso" });
  try {
    Deno.writeFileSync(path, seedIso(seed));
    read(path);
  } finally {
    Deno.removeSync(path);
  }
}

function needs(command: string) {
  return requirement(command, () => {
    const { success } = new Deno.Command("sh", { args: ["-c", `command -v ${command}`] })
      .outputSync();
    return success ? undefined : `${command} is not installed`;
  });
}

const isoinfo = await needs("isoinfo");
const xorriso = await needs("xorriso");

Deno.test({
  name: "the volume identifier is cidata, and both extensions are there",
  ...isoinfo,
  fn() {
    withImage(files, (path) => {
      const about = text(run("isoinfo", "-d", "-i", path));
      assert.match(about, /^Volume id: cidata$/m);
      assert.match(about, /^Joliet with UCS level 3 found$/m);
      assert.match(about, /^Rock Ridge signatures version 1 found$/m);
      const size = Number(/^Volume size is: (\d+)$/m.exec(about)![1]);
      assert.equal(size * 2048, Deno.statSync(path).size);
    });
  },
});

Deno.test({
  name: "Rock Ridge has the names and modes that Linux shows",
  ...isoinfo,
  fn() {
    withImage(files, (path) => {
      const lines = text(run("isoinfo", "-l", "-R", "-i", path)).split("\n")
        .filter((line) => /^[-d]/.test(line)).map((line) => line.trim().split(/\s+/));
      assert.deepEqual(lines.map((line) => [line[0], line[2], line[3], line.at(-1)]), [
        ["dr-xr-xr-x", "0", "0", "."],
        ["dr-xr-xr-x", "0", "0", ".."],
        ["-r--------", "0", "0", "meta-data"],
        ["-r--------", "0", "0", "network-config"],
        ["-r--------", "0", "0", "user-data"],
      ]);
    });
  },
});

const sizes = [0, 1, 2047, 2048, 2049, 70_000, 1_000_000];

for (const size of sizes) {
  Deno.test({
    name: `the files are read back by every name: user-data of ${size} bytes`,
    ...isoinfo,
    fn() {
      const seed = { ...files, userData: "x".repeat(size) };
      withImage(seed, (path) => {
        const wanted: readonly (readonly [string, string, string])[] = [
          ["/user-data", "/USERDATA.;1", seed.userData],
          ["/meta-data", "/METADATA.;1", seed.metaData],
          ["/network-config", "/NETWORKC.;1", seed.networkConfig!],
        ];
        for (const [name, plain, content] of wanted) {
          assert.equal(text(run("isoinfo", "-R", "-x", name, "-i", path)), content);
          assert.equal(text(run("isoinfo", "-J", "-x", `${name};1`, "-i", path)), content);
          assert.equal(text(run("isoinfo", "-x", plain, "-i", path)), content);
        }
      });
    },
  });
}

Deno.test({
  name: "another program extracts the files",
  ...xorriso,
  fn() {
    withImage({ ...files, networkConfig: undefined }, (path) => {
      const folder = Deno.makeTempDirSync();
      try {
        run("xorriso", "-osirrox", "on", "-indev", path, "-extract", "/", folder);
        assert.deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name).sort(), [
          "meta-data",
          "user-data",
        ]);
        assert.equal(Deno.readTextFileSync(`${folder}/user-data`), files.userData);
      } finally {
        run("chmod", "-R", "u+rwx", folder);
        Deno.removeSync(folder, { recursive: true });
      }
    });
  },
});

Deno.test("property: equal files, equal bytes; the size is known beforehand", () => {
  const part = fc.string({ unit: "binary", maxLength: 5000 });
  fc.assert(
    fc.property(part, part, fc.option(part, { nil: undefined }), (userData, metaData, network) => {
      const seed = { userData, metaData, networkConfig: network };
      const image = seedIso(seed);
      assert.equal(image.length, seedIsoSize(seed));
      assert.deepEqual(image, seedIso({ ...seed }));
    }),
  );
});
