/**
 * Reads the XML of every domain through Staddle's binding, as `libvirt_c read` does.
 *
 *     deno run -A bench/read_domains.ts URI IN_FLIGHT
 *
 * @module
 */

import { DomainXmlFlags, Libvirt } from "../providers/kvm/libvirt/mod.ts";

const [uri, inFlight] = Deno.args;
if (uri === undefined || inFlight === undefined) Deno.exit(2);
const workers = { local: Number(inFlight), remote: Number(inFlight) };

await using libvirt = await Libvirt.open({ workers });
const before = performance.now();
await using connection = await libvirt.connect(uri, { expectedCalls: 1000 });
// As in the command line, where they start while the stack is evaluated: the Workers run already.
while (libvirt.workers < workers.local) await new Promise((done) => setTimeout(done, 5));
await Promise.all(Array.from({ length: 64 * workers.local }, () => connection.libVersion()));
const start = performance.now();
const domains = await connection.domains();
const found = await connection.domainXmls(domains, DomainXmlFlags.INACTIVE);
const end = performance.now();
const bytes = found.reduce((sum, one) => {
  if (one instanceof Error) throw one;
  return sum + one.length;
}, 0);
for (const domain of domains) domain[Symbol.dispose]();
const result = {
  open: (start - before) / 1000,
  seconds: (end - start) / 1000,
  count: domains.length,
  bytes,
};
await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(result)}\n`));
