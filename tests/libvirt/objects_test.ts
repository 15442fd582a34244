/** Domains, networks, pools, volumes, secrets, filters and snapshots on the real daemon. */

import assert from "node:assert/strict";
import {
  AffectFlags,
  type Connection,
  DomainState,
  DomainXmlFlags,
  isExisting,
  isInvalidState,
  isNotFound,
  Libvirt,
  LibvirtError,
  MetadataType,
  NetworkUpdateCommand,
  NetworkUpdateSection,
  PoolCreateFlags,
  UndefineFlags,
} from "../../providers/kvm/libvirt/mod.ts";
import { domainXml, PrivateDaemon, systemAnswers, uniqueName, until } from "./support.ts";

const system = await systemAnswers();

/** Runs a test on a daemon of its own. */
function onDaemon(name: string, body: (connection: Connection) => Promise<void>): void {
  Deno.test(name, { ignore: !system }, async () => {
    await using libvirt = await Libvirt.open();
    await using daemon = await PrivateDaemon.start(libvirt);
    await using connection = await libvirt.connect(daemon.uri);
    await body(connection);
  });
}

onDaemon("many domains are read in portions, each in its place", async (connection) => {
  const names = Array.from({ length: 150 }, (_, at) => `${uniqueName("many")}-${at}`);
  const domains = await Promise.all(
    names.map((name) => connection.defineDomain(domainXml(name), 1)),
  );
  const gone = domains[40]!;
  await gone.undefine();
  const read = await connection.domainXmls(domains, DomainXmlFlags.INACTIVE);
  assert.equal(read.length, names.length);
  for (const [at, one] of read.entries()) {
    if (at === 40) assert.ok(one instanceof LibvirtError && isNotFound(one), `${one}`);
    else assert.ok(typeof one === "string" && one.includes(`<name>${names[at]}</name>`), `${one}`);
  }
  const listed = await connection.domains();
  assert.deepEqual(
    listed.map(({ name, uuid, id }) => [name, uuid, id]).sort(),
    domains.filter((domain) => domain !== gone).map(({ name, uuid }) => [name, uuid, -1]).sort(),
  );
  assert.deepEqual(await connection.domainXmls([]), []);
});

onDaemon(
  "a domain is defined, read, started, changed, stopped and undefined",
  async (connection) => {
    const name = uniqueName("domain");
    const domain = await connection.defineDomain(domainXml(name), 1);
    assert.equal(domain.name, name);
    assert.equal(domain.id, -1);
    assert.match(domain.uuid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.equal((await connection.domainByUuid(domain.uuid)).name, name);
    assert.match(
      await domain.xml(DomainXmlFlags.INACTIVE),
      new RegExp(`<uuid>${domain.uuid}</uuid>`),
    );
    assert.equal(await domain.isPersistent(), true);
    assert.equal((await domain.state()).state, DomainState.SHUTOFF);

    await domain.setAutostart(true);
    assert.equal(await domain.autostart(), true);
    await domain.setAutostart(false);
    await domain.setMaxMemory(65_536);
    assert.equal(await domain.maxMemory(), 65_536);
    await domain.setMemory(49_152, AffectFlags.CONFIG);
    await domain.setVcpus(2, AffectFlags.CONFIG | 4);
    assert.equal(await domain.vcpus(AffectFlags.CONFIG | 4), 2);
    await domain.setMetadata(MetadataType.TITLE, "a title", null, null, AffectFlags.CONFIG);
    assert.equal(await domain.metadata(MetadataType.TITLE), "a title");
    await domain.setMetadata(
      MetadataType.ELEMENT,
      "<m:x y='1'/>",
      "m",
      "urn:m",
      AffectFlags.CONFIG,
    );
    assert.match(await domain.metadata(MetadataType.ELEMENT, "urn:m"), /y=['"]1['"]/);
    await domain.setMetadata(MetadataType.ELEMENT, null, null, "urn:m", AffectFlags.CONFIG);
    assert.ok(isNotFound(await domain.metadata(MetadataType.ELEMENT, "urn:m").catch((it) => it)));
    await domain.pinVcpu(0, [0], AffectFlags.CONFIG);
    assert.deepEqual((await domain.vcpuPins(AffectFlags.CONFIG))[0], [0]);
    await domain.setSchedulerParameters({ cpu_shares: 2_048 }, AffectFlags.CONFIG);
    assert.equal((await domain.schedulerParameters(AffectFlags.CONFIG)).cpu_shares, 2_048);
    await domain.setMemoryParameters({ hard_limit: 1_048_576 }, AffectFlags.CONFIG);
    assert.equal((await domain.memoryParameters(AffectFlags.CONFIG)).hard_limit, 1_048_576);
    assert.throws(
      () => domain.setSchedulerParameters({ no_such_thing: 1 }),
      /its C type is not known; give \{ kind, value \}/,
    );
    await domain.addIoThread(7, AffectFlags.CONFIG);
    assert.deepEqual((await domain.ioThreads(AffectFlags.CONFIG)).map(({ id }) => id), [7]);
    await domain.deleteIoThread(7, AffectFlags.CONFIG);
    // The host's controllers for these may be missing here: the configuration is what is tested.
    await domain.setMemoryParameters({ hard_limit: 9_007_199_254_740_991n }, AffectFlags.CONFIG);
    await domain.setSchedulerParameters({ cpu_shares: 1_024 }, AffectFlags.CONFIG);
    await connection.defineDomain(
      domainXml(name).replace("</name>", `</name><uuid>${domain.uuid}</uuid>`),
    );

    await domain.create();
    assert.equal(await domain.isActive(), true);
    assert.equal((await domain.info()).vcpus, 1);
    assert.ok(isInvalidState(await domain.create().catch((error) => error)));
    const stats = (await connection.allDomainStats()).find((it) => it.uuid === domain.uuid);
    assert.equal(stats?.name, name);
    assert.equal(stats?.stats["state.state"], DomainState.RUNNING);
    assert.equal((await connection.domainStats([domain]))[0]?.name, name);
    await domain.suspend();
    assert.equal((await domain.state()).state, DomainState.PAUSED);
    await domain.resume();
    await domain.destroy();
    assert.equal((await domain.state()).state, DomainState.SHUTOFF);

    await domain.rename(`${name}-2`);
    assert.ok(isNotFound(await connection.domainByName(name).catch((error) => error)));
    await domain.undefine(UndefineFlags.NVRAM | UndefineFlags.SNAPSHOTS_METADATA);
    assert.equal((await connection.domains()).length, 0);
  },
);

onDaemon(
  "a device comes and goes on a running domain, and events tell of it",
  async (connection) => {
    const name = uniqueName("events");
    const seen: string[] = [];
    const subscriptions = [
      connection.on("domain-lifecycle", ({ domain, event }) => {
        if (domain.name === name) seen.push(`lifecycle ${event}`);
      }),
      connection.on("device-added", ({ alias }) => seen.push(`added ${alias}`)),
      connection.on("device-removed", ({ alias }) => seen.push(`removed ${alias}`)),
      connection.on("metadata-change", ({ type }) => seen.push(`metadata ${type}`)),
    ];
    await Promise.all(subscriptions.map(({ ready }) => ready));
    const transient = await connection.createDomain(domainXml(name));
    assert.ok(transient.id > 0);
    assert.equal(await transient.isPersistent(), false);
    await transient.setMetadata(MetadataType.TITLE, "new", null, null, AffectFlags.LIVE);
    const rng = `<rng model='virtio'><backend model='random'>/dev/urandom</backend>` +
      `<alias name='ua-rng'/></rng>`;
    await transient.attachDevice(rng, AffectFlags.LIVE);
    assert.match(await transient.xml(), /<alias name='ua-rng'\/>/);
    await transient.detachDeviceAlias("ua-rng", AffectFlags.LIVE);
    await transient.destroy();
    await until("the end", () => seen.includes("lifecycle 5"));
    assert.ok(seen.includes("lifecycle 2"), "started");
    assert.ok(seen.includes("added ua-rng"));
    assert.ok(seen.includes(`metadata ${MetadataType.TITLE}`));

    const count = seen.length;
    await Promise.all(subscriptions.map((it) => it[Symbol.asyncDispose]()));
    await (await connection.createDomain(domainXml(name))).destroy();
    assert.equal(seen.length, count, "nobody listens any more");
  },
);

onDaemon("a console can be read and written without holding a Worker", async (connection) => {
  // The firmware's own messages come on the serial console.
  const domain = await connection.createDomain(domainXml(uniqueName("console")));
  await using serial = await domain.openConsole();
  let text = "";
  // QEMU drops what comes before it has noticed the reader: the guest speaks again after a reset.
  const again = setInterval(() => void domain.reset().catch(() => {}), 3_000);
  while (!/SeaBIOS/.test(text)) {
    const bytes = await serial.read();
    assert.notEqual(bytes, null);
    text += new TextDecoder().decode(bytes ?? new Uint8Array());
  }
  clearInterval(again);
  await serial.write(new TextEncoder().encode("hello\r"));
  // While the reader waits, calls go on.
  const waiting = serial.read();
  await Promise.all(Array.from({ length: 50 }, () => domain.state()));
  await domain.destroy();
  // What was still in the line, then the end.
  const rest = await waiting.then((bytes) => bytes?.length ?? 0, (error: unknown) => error);
  assert.ok(typeof rest === "number" || rest instanceof LibvirtError);
});

onDaemon("a network is defined, started, updated, stopped and undefined", async (connection) => {
  const name = `lvt${crypto.randomUUID().slice(0, 6)}`;
  const events: number[] = [];
  await using subscription = connection.on(
    "network-lifecycle",
    ({ network, event }) => network.name === name && events.push(event),
  );
  await subscription.ready;
  // In the daemon's own network namespace.
  const network = await connection.defineNetwork(`<network><name>${name}</name>
    <bridge name='${name}'/><ip address='10.99.7.1' netmask='255.255.255.0'>
    <dhcp><range start='10.99.7.10' end='10.99.7.99'/></dhcp></ip></network>`);
  assert.equal((await connection.networkByUuid(network.uuid)).name, name);
  assert.equal(await network.isActive(), false);
  await network.setAutostart(true);
  assert.equal(await network.autostart(), true);
  await network.create();
  assert.equal(await network.bridgeName(), name);
  assert.deepEqual(await network.dhcpLeases(), []);
  await network.update({
    command: NetworkUpdateCommand.ADD_LAST,
    section: NetworkUpdateSection.IP_DHCP_HOST,
    xml: "<host mac='52:54:00:00:00:01' ip='10.99.7.50'/>",
    flags: AffectFlags.LIVE | AffectFlags.CONFIG,
  });
  assert.match(await network.xml(), /10\.99\.7\.50/);
  assert.match(await network.xml(1), /10\.99\.7\.50/);
  await network.destroy();
  await network.undefine();
  assert.ok(isNotFound(await connection.networkByName(name).catch((error) => error)));
  await until("the last event", () => events.includes(1));
  assert.deepEqual(events, [0, 2, 3, 1]);
});

onDaemon(
  "a pool and its volumes are made, read, resized, cloned and deleted",
  async (connection) => {
    const folder = await Deno.makeTempDir({ prefix: "lvt-pool-" });
    try {
      const name = uniqueName("pool");
      const pool = await connection.definePool(
        `<pool type='dir'><name>${name}</name><target><path>${folder}/p</path></target></pool>`,
      );
      await pool.build();
      await pool.create();
      assert.equal(await pool.isActive(), true);
      assert.ok((await pool.info()).capacity > 0);
      const volume = await pool.createVolume(
        "<volume><name>a.img</name><capacity unit='MiB'>2</capacity>" +
          "<target><format type='raw'/></target></volume>",
      );
      assert.equal(volume.pool, name);
      assert.equal(volume.key, `${folder}/p/a.img`);
      assert.equal(await volume.path(), `${folder}/p/a.img`);
      const again = await pool.createVolume(
        "<volume><name>a.img</name><capacity>1</capacity></volume>",
      ).catch((error) => error);
      assert.ok(isExisting(again));
      await volume.resize(4 * 1_048_576);
      assert.equal((await volume.info()).capacity, 4 * 1_048_576);
      const found = await connection.volumeByPath(volume.key);
      assert.equal(found.pool, name);
      assert.equal(found.name, "a.img");
      assert.equal((await connection.volumeByKey(volume.key)).name, "a.img");
      const copy = await pool.createVolumeFrom(
        "<volume><name>b.qcow2</name><capacity>4194304</capacity>" +
          "<target><format type='qcow2'/></target></volume>",
        volume,
      );
      assert.match(await copy.xml(), /<format type='qcow2'\/>/);
      await Deno.writeTextFile(`${folder}/p/dropped`, "x");
      assert.equal((await pool.volumes()).length, 2);
      await pool.refresh();
      assert.deepEqual(
        (await pool.volumes()).map(({ name }) => name).sort(),
        ["a.img", "b.qcow2", "dropped"],
      );
      for (const it of await pool.volumes()) await it.delete();
      await pool.destroy();
      await pool.delete();
      await pool.undefine();
      assert.ok(isNotFound(await connection.poolByName(name).catch((error) => error)));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

onDaemon("secrets, network filters, snapshots and node devices", async (connection) => {
  const secret = await connection.defineSecret(
    "<secret ephemeral='no' private='no'><usage type='ceph'><name>lvt</name></usage></secret>",
  );
  await secret.setValue(new TextEncoder().encode("gehe\0im"));
  assert.deepEqual(await secret.value(), new TextEncoder().encode("gehe\0im"));
  assert.equal((await connection.secretByUsage(secret.usageType, "lvt")).uuid, secret.uuid);
  assert.equal((await connection.secrets()).length, 1);
  await secret.undefine();

  const filter = await connection.defineNwfilter(
    "<filter name='lvt-none'><rule action='drop' direction='in'><all/></rule></filter>",
  );
  assert.match(await filter.xml(), /lvt-none/);
  assert.equal((await connection.nwfilterByName("lvt-none")).uuid, filter.uuid);
  await filter.undefine();

  const computer = await connection.nodeDeviceByName("computer");
  assert.equal(await computer.parent(), null);
  assert.deepEqual(await computer.capabilities(), ["system"]);

  const name = uniqueName("snapshot");
  const pool = await connection.createPool(
    "<pool type='dir'><name>lvt</name><target><path>/var/lib/libvirt/images</path></target></pool>",
    PoolCreateFlags.WITH_BUILD,
  );
  const disk = await pool.createVolume(
    "<volume><name>disk</name><capacity>1048576</capacity>" +
      "<target><format type='qcow2'/></target></volume>",
  );
  const domain = await connection.defineDomain(domainXml(
    name,
    `<disk type='file'><driver name='qemu' type='qcow2'/><source file='${disk.key}'/>` +
      "<target dev='vda' bus='virtio'/></disk>",
  ));
  await domain.createSnapshot("<domainsnapshot><name>one</name></domainsnapshot>");
  const two = await domain.createSnapshot("<domainsnapshot><name>two</name></domainsnapshot>");
  assert.equal((await two.parent()).name, "one");
  assert.deepEqual((await domain.snapshots()).map(({ name }) => name).sort(), ["one", "two"]);
  assert.equal((await domain.currentSnapshot())?.name, "two");
  await (await domain.snapshotByName("one")).revert();
  assert.equal((await domain.currentSnapshot())?.name, "one");
  const refused = await domain.undefine().catch((error) => error);
  assert.ok(isInvalidState(refused));
  await two.delete();
  await (await domain.snapshotByName("one")).delete();
  await domain.undefine();
});
