/**
 * How a NIC works beyond what it is on: its virtio device, its tap, its port on a switch.
 *
 * @module
 */

import { z } from "zod";
import type { Disruption, Json } from "../../../../provider.ts";
import {
  type ChangeContext,
  custom,
  depends,
  field,
  group,
  shapeOf,
  type Table,
  text,
} from "../../../table/mod.ts";
import {
  append,
  children,
  element,
  getElements,
  getPath,
  remove,
  setPath,
  type XmlElement,
} from "../../../xml/mod.ts";
import { canonicalIp } from "../../ip.ts";
import { compact, ON_OFF, since, toggle, whole, word, words, YES_NO } from "./bits.ts";
import { virtioOptions } from "./virtio.ts";

const OFFLOADS = {
  checksum: ["csum", "Check sums"],
  tso4: ["tso4", "Segments of TCP over IPv4"],
  tso6: ["tso6", "Segments of TCP over IPv6"],
  ecn: ["ecn", "Congestion notices"],
  ufo: ["ufo", "Fragments of UDP"],
} as const;

type Switches<Names extends string> = { [Name in Names]: ReturnType<typeof toggle> };

function offloads(side: "host" | "guest"): Switches<keyof typeof OFFLOADS> {
  return Object.fromEntries(
    Object.entries(OFFLOADS).map(([name, [attribute, what]]) => [
      name,
      toggle(`./driver/${side}/@${attribute}`, ON_OFF, `${what} are left to the ${side}.`),
    ]),
  ) as Switches<keyof typeof OFFLOADS>;
}

const hostOffload = {
  ...offloads("host"),
  gso: toggle("./driver/host/@gso", ON_OFF, "Segments of any kind are left to the host."),
  mergeBuffers: toggle("./driver/host/@mrg_rxbuf", ON_OFF, "A packet may span several buffers."),
} satisfies Table;

const guestOffload = offloads("guest") satisfies Table;

const offload = {
  host: group({
    schema: () =>
      z.strictObject(shapeOf(hostOffload)).optional().describe("What the host takes over."),
    fields: hostOffload,
  }),
  guest: group({
    schema: () =>
      z.strictObject(shapeOf(guestOffload)).optional().describe("What the guest takes over."),
    fields: guestOffload,
  }),
} satisfies Table;

const PORT = "./virtualport/parameters";

const virtualPort = {
  type: word(
    "./virtualport/@type",
    ["openvswitch", "midonet", "802.1Qbg", "802.1Qbh"],
    "Kind of switch, for example openvswitch.",
  ),
  interfaceId: words(`${PORT}/@interfaceid`, "UUID of the port, with openvswitch and midonet."),
  profileId: field({
    schema: () =>
      z.string().regex(
        /^[^'&<]+$/,
        "must have no ', & or <: libvirt writes it so that its XML could not be read any more",
      ).optional().describe("Profile, with openvswitch and 802.1Qbh."),
    binding: text(`${PORT}/@profileid`),
    change: "restart",
  }),
  managerId: whole(`${PORT}/@managerid`, [0, 255], "VSI manager, with 802.1Qbg."),
  typeId: whole(`${PORT}/@typeid`, [0, 2 ** 24 - 1], "VSI type, with 802.1Qbg."),
  typeIdVersion: whole(`${PORT}/@typeidversion`, [0, 255], "Version of the type, with 802.1Qbg."),
  instanceId: words(`${PORT}/@instanceid`, "UUID of the instance, with 802.1Qbg."),
} satisfies Table;

const range = z.strictObject({
  start: z.int().min(1).max(65535).describe("First port of the host."),
  end: z.int().min(1).max(65535).optional().describe("Last port; start unless declared."),
  to: z.int().min(1).max(65535).optional().describe("First port of the guest; start."),
  exclude: z.boolean().optional().describe("These ports are not forwarded."),
});

const forward = z.strictObject({
  protocol: z.enum(["tcp", "udp"]).describe("Protocol."),
  address: z.union([z.ipv4(), z.ipv6()], { error: "must be an IP address, for example 127.0.0.1" })
    .overwrite(canonicalIp).optional()
    .describe("Address of the host; all unless declared."),
  dev: z.string().min(1).max(15).optional().describe("Network device of the host."),
  ranges: z.array(range).optional().describe("Ports; all unless declared."),
});

const passtSchema = z.strictObject({
  log: z.string().regex(/^\//, "must be an absolute path on the host").optional()
    .describe("File of the host to which passt writes its log."),
  forwards: z.array(forward).optional().describe("Ports of the host that lead to the guest."),
});

function numberOf(item: XmlElement, name: string): number | undefined {
  const found = item.attributes.get(name);
  return found === undefined ? undefined : Number(found);
}

function readForward(item: XmlElement): Json {
  const ranges = children(item, "range").map((part) =>
    compact({
      start: numberOf(part, "start"),
      end: numberOf(part, "end"),
      to: numberOf(part, "to"),
      exclude: part.attributes.get("exclude") === "yes" ? true : undefined,
    }) ?? {}
  );
  const address = item.attributes.get("address");
  return compact({
    protocol: item.attributes.get("proto"),
    address: address === undefined ? undefined : canonicalIp(address),
    dev: item.attributes.get("dev"),
    ranges: ranges.length === 0 ? undefined : ranges,
  }) ?? {};
}

const passt = custom("./backend/@type, ./portForward", (nic) => {
  if (getPath(nic, "./backend/@type") !== "passt") return undefined;
  const forwards = children(nic, "portForward").map(readForward);
  return {
    ...(compact({
      log: getPath(nic, "./backend/@logFile"),
      forwards: forwards.length === 0 ? undefined : forwards,
    }) ?? {}),
  };
}, (nic, value) => {
  const { log, forwards = [] } = (value ?? {}) as z.output<typeof passtSchema>;
  setPath(nic, "./backend/@type", value === undefined ? undefined : "passt");
  setPath(nic, "./backend/@logFile", value === undefined ? undefined : log);
  for (const old of children(nic, "portForward")) remove(nic, old);
  for (const { protocol, address, dev, ranges = [] } of forwards) {
    append(
      nic,
      element(
        "portForward",
        { proto: protocol, address, dev },
        ...ranges.map(({ start, end, to, exclude }) =>
          element("range", { start, end, to, exclude: exclude === true ? "yes" : undefined })
        ),
      ),
      "portForward",
    );
  }
});

/** What libvirt fills in: a range that ends where it begins, and leads to the same port. */
function samePasst(declared: Json, actual: Json | undefined): boolean {
  const normal = (value: Json | undefined) => {
    const { log, forwards = [] } = (value ?? {}) as z.output<typeof passtSchema>;
    return JSON.stringify([
      log,
      forwards.map(({ protocol, address, dev, ranges = [] }) => [
        protocol,
        address,
        dev,
        ranges.map((
          { start, end = start, to = start, exclude = false },
        ) => [start, end, to, exclude]),
      ]),
    ]);
  };
  return actual !== undefined && normal(declared) === normal(actual);
}

const addresses = custom("./ip", (nic) => {
  const found = getElements(nic, "./ip").map((item) => {
    const prefix = item.attributes.get("prefix");
    const address = canonicalIp(item.attributes.get("address") ?? "");
    return prefix === undefined ? address : `${address}/${prefix}`;
  });
  return found.length === 0 ? undefined : found;
}, (nic, value) => {
  for (const old of getElements(nic, "./ip")) remove(nic, old);
  for (const one of (value ?? []) as readonly string[]) {
    const [address, prefix] = one.split("/");
    const family = address!.includes(":") ? "ipv6" : "ipv4";
    append(nic, element("ip", { family, address, prefix }), "ip");
  }
});

/** The NIC's partner in a team, by its alias. */
const partner = custom(
  "./teaming/@persistent",
  (nic) => getPath(nic, "./teaming/@persistent")?.replace(/^ua-/, ""),
  (nic, value) =>
    setPath(nic, "./teaming/@persistent", value === undefined ? undefined : `ua-${value}`),
);

const COALESCED = ["network", "bridge"];

/** Packets are held back by the host's tap, which is told anew while the guest runs. */
function coalesceChange({ config, live }: ChangeContext): Disruption {
  return COALESCED.includes((live ?? config).attributes.get("type") ?? "") ? "live" : "restart";
}

/** Options of a NIC. */
export const nicOptions = {
  virtio: virtioOptions(),
  eventIndex: toggle("./driver/@event_idx", ON_OFF, "Fewer interrupts, with a virtio model."),
  ioEventFd: toggle(
    "./driver/@ioeventfd",
    ON_OFF,
    "Serve the NIC apart from the vCPU that asked, with a virtio model.",
  ),
  sendMode: word("./driver/@txmode", ["iothread", "timer"], "Who sends, with a virtio model."),
  rss: since(
    "8.3.0",
    toggle("./driver/@rss", ON_OFF, "Spread packets over queues in QEMU, with a virtio model."),
  ),
  rssHashReport: since(
    "8.3.0",
    toggle("./driver/@rss_hash_report", ON_OFF, "Tell the guest the hash, with rss."),
  ),
  offload: group({
    schema: () =>
      z.strictObject(shapeOf(offload)).optional()
        .describe("Work that one side of a virtio NIC leaves to the other."),
    fields: offload,
  }),
  coalesce: whole(
    "./coalesce/rx/frames/@max",
    [0, 2 ** 31 - 1],
    "Packets that the tap may hold back before the guest is told; 0: none.",
    depends("live on network and bridge, else restart", coalesceChange),
  ),
  sendBuffer: whole(
    "./tune/sndbuf",
    [0, 2 ** 32 - 1],
    "Send buffer of the tap, bytes; 0: no limit.",
  ),
  virtualPort: group({
    schema: () =>
      z.strictObject(shapeOf(virtualPort)).optional().describe("The NIC's port on a switch."),
    fields: virtualPort,
  }),
  teaming: word(
    "./teaming/@type",
    ["persistent", "transient"],
    "persistent: stays through a migration; transient: a host device that is unplugged for it.",
  ),
  teamedWith: field({
    schema: () =>
      z.string().min(1).optional().describe("Name of the persistent NIC, with teaming transient."),
    binding: partner,
    change: "restart",
  }),
  passt: since(
    "9.0.0",
    field({
      schema: () =>
        passtSchema.optional().describe(
          "The user's own network by passt, which forwards ports; with user, and a libvirt that " +
            "was built with it.",
        ),
      binding: passt,
      change: "restart",
      equal: samePasst,
    }),
  ),
  userAddresses: field({
    schema: () =>
      z.array(z.union([z.cidrv4(), z.cidrv6()], {
        error: "must be a subnet, for example 172.17.2.0/24",
      })).min(1).max(2).optional().describe(
        'Subnets of the guest\'s side, one each of IPv4 and IPv6, with user: ["172.17.2.0/24"].',
      ),
    binding: addresses,
    change: "restart",
    equal: (declared, actual) => normalAddresses(declared) === normalAddresses(actual),
  }),
  script: words("./script/@path", "Script that sets the tap up, with ethernet."),
  downScript: words("./downscript/@path", "Script that takes the tap down, with ethernet."),
  targetManaged: toggle(
    "./target/@managed",
    YES_NO,
    "Whether libvirt makes the tap, with ethernet; true unless declared.",
  ),
  tapBackend: words("./backend/@tap", "Device that taps are made by; /dev/net/tun."),
  vhostBackend: words("./backend/@vhost", "Device that serves vhost; /dev/vhost-net."),
  acpiIndex: since(
    "7.3.0",
    whole("./acpi/@index", [1, 16383], "Number by which the guest names it: eno1."),
  ),
  romFile: words("./rom/@file", "File of the host with the boot ROM."),
  romEnabled: toggle("./rom/@enabled", YES_NO, "Whether it has a boot ROM at all."),
} satisfies Table;

function normalAddresses(list: Json | undefined): string {
  return ((list ?? []) as readonly string[]).map((one) => {
    const [address, prefix] = one.split("/");
    return `${canonicalIp(address!)}/${prefix}`;
  }).sort().join();
}

/** Members that a virtio model alone has. */
export const VIRTIO_ONLY = [
  "virtio",
  "eventIndex",
  "ioEventFd",
  "sendMode",
  "rss",
  "rssHashReport",
  "offload",
] as const;

/** What does not go with what a NIC is on. */
export function* optionClashes(
  nic: Readonly<Record<string, unknown>>,
): Iterable<readonly [path: string, message: string]> {
  const goes = (names: readonly string[], sources: readonly string[]) =>
    names.filter((name) =>
      nic[name] !== undefined && !sources.some((one) => nic[one] !== undefined)
    )
      .map((name) => [name, `goes with ${sources.join(" or ")}`] as const);
  yield* goes(["passt", "userAddresses"], ["user"]);
  yield* goes(["script", "downScript", "targetManaged"], ["ethernet"]);
  // libvirt has it for those two alone, though any tap could.
  yield* goes(["coalesce"], COALESCED);
  yield* goes(["sendBuffer"], ["network", "bridge", "ethernet"]);
  yield* goes(["virtualPort"], ["network", "bridge", "direct", "hostdev"]);
  if ((nic.teaming === "transient") !== (nic.teamedWith !== undefined)) {
    yield ["teamedWith", 'goes with teaming "transient", and is required there'];
  }
}
