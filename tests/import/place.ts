/**
 * Opening a host twice: through libvirt itself, to define domains on it, and as Staddle reaches it.
 *
 * @module
 */

import { Libvirt } from "../../providers/kvm/libvirt/mod.ts";
import { kvm } from "../../providers/kvm/mod.ts";
import type { HostDeclaration } from "../../providers/provider.ts";
import type { Fleet } from "../fleet/mod.ts";
import type { Place } from "./journey.ts";

/** A place that is open. */
export type OpenPlace = Place & AsyncDisposable;

const MEMORY = "test:///default";

/** libvirt's in-memory driver, which both ways share. */
export function openMemory(): Promise<OpenPlace> {
  return open(MEMORY, { name: "host", uri: MEMORY });
}

/** Why the in-memory driver cannot be had; undefined: it can. */
export async function memoryObstacle(): Promise<undefined> {
  await using libvirt = await Libvirt.open();
  await using _connection = await libvirt.connect(MEMORY);
  return undefined;
}

/** The first host of a fleet, its facts read. */
export function openHost(fleet: Fleet): Promise<OpenPlace> {
  const { uri, plainUri } = fleet.host(1);
  const ssh = { configFile: fleet.ssh.config };
  return open(uri, { name: "host", uri: plainUri, ssh, connectTimeout: 60 });
}

async function open(uri: string, declaration: HostDeclaration): Promise<OpenPlace> {
  await using opening = new AsyncDisposableStack();
  const libvirt = opening.use(await Libvirt.open());
  const remote = !uri.startsWith("test:");
  const connection = opening.use(await libvirt.connect(uri, { remote, timeout: 60_000 }));
  const provider = opening.use(kvm());
  const session = opening.use(
    await provider.connect(declaration, {
      signal: new AbortController().signal,
      baseDirectory: "/",
    }),
  );
  // In memory every architecture and hypervisor is taken, whatever this machine can do.
  const facts = remote ? await session.facts() : undefined;
  const held = opening.move();
  return { connection, session, facts, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
