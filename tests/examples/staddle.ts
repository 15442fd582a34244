/** The command line as people run it, on this machine or inside a fleet host. */

import assert from "node:assert/strict";
import { type CommandResult, type FleetHost, must, run } from "../fleet/mod.ts";

const root = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

/** Where and how the command line is run. */
export interface RunOptions {
  /** The store: a SQLite file. */
  readonly state: string;
  /** Run it inside this host, whose `qemu:///system` is its own. */
  readonly inside?: FleetHost;
  readonly signal?: AbortSignal;
}

/** The words that run `staddle ARGS` out of a checkout. */
export function command(
  args: readonly string[],
  { folder = root, deno = Deno.execPath() } = {},
): string[] {
  return [
    deno,
    "run",
    "-q",
    "-P",
    "--config",
    `${folder}/deno.json`,
    `${folder}/mod.ts`,
    ...args,
  ];
}

/** Runs `staddle ARGS` to its end. */
export async function staddle(
  args: readonly string[],
  { state, inside, signal }: RunOptions,
): Promise<CommandResult> {
  const env = { STADDLE_STATE: state, NO_COLOR: "1", CI: "true" };
  if (inside === undefined) {
    const [program, ...rest] = command(args);
    return await run(program!, rest, { env, cwd: root, signal });
  }
  const there = "/srv/shared/staddle";
  await shareProject(inside);
  const words = Object.entries({ ...env, DENO_DIR: "/srv/shared/deno" })
    .map(([key, value]) => `${key}=${value}`);
  const inRoot = ["sh", "-c", 'cd "$0" && exec "$@"', there, "env", ...words];
  return await inside.exec(
    [...inRoot, ...command(args, { folder: there, deno: `${there}/deno` })],
    { signal },
  );
}

/** What a host needs of this checkout, and of Deno's cache: it has no way out to fetch packages. */
async function shareProject(host: FleetHost): Promise<void> {
  const shared = `${host.dir}/../shared`;
  if ((await run("test", ["-d", `${shared}/staddle`])).code === 0) return;
  const { denoDir } = JSON.parse((await run(Deno.execPath(), ["info", "--json"])).stdout);
  await must("cp", ["-a", "--reflink=auto", denoDir, `${shared}/deno`]);
  const folder = `${shared}/staddle`;
  await must("mkdir", ["-p", `${folder}/.cache`]);
  const parts = ["deno.json", "deno.lock", "mod.ts", "examples"].concat(
    ["stacks", "planner", "applier", "state", "providers", "cli"],
  );
  await must("cp", ["-a", ...parts.map((part) => `${root}/${part}`), folder]);
  await must("cp", ["-a", `${root}/.cache/guest`, `${folder}/.cache/`]);
  await must("cp", ["--reflink=auto", Deno.execPath(), `${folder}/deno`]);
}

/** Runs `staddle ARGS` and expects an exit status. */
export async function expectStaddle(
  code: number,
  args: readonly string[],
  options: RunOptions,
): Promise<string> {
  const result = await staddle(args, options);
  assert.equal(result.code, code, `staddle ${args.join(" ")}\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

/** Everything of a host that a stack could have left something in. */
export async function listing(host: FleetHost): Promise<string> {
  return await host.must(
    "for what in list net-list nwfilter-list secret-list; do virsh -q -c qemu:///system $what " +
      "$(case $what in list|net-list) echo --all;; esac); done; " +
      "virsh -q -c qemu:///system pool-list --all; " +
      "find /var/lib/libvirt/images /var/lib/libvirt/staddle /etc/libvirt/qemu /etc/libvirt/storage " +
      "/var/lib/libvirt/dnsmasq 2>/dev/null | grep -v '/dnsmasq/virbr' | sort; " +
      "ip -o link | cut -d: -f2 | sort",
  );
}
