import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import {
  type AddressRequest,
  defaultGateway,
  dynamicRange,
  formatAddress,
  parseAddress,
  parseSubnet,
  preferredAddress,
  reserve,
} from "../../planner/addresses.ts";

const net = "lab/network.front";

function request(name: string, more: Partial<AddressRequest> = {}): AddressRequest {
  return { key: `lab/machine.${name}#nic0`, network: net, subnet: "10.30.0.0/24", ...more };
}

const value = (address: string) => parseAddress(address)!.value;

/** IPv4 subnets of 4 to 1,024 addresses. */
const subnets = fc.tuple(fc.nat(255), fc.nat(255), fc.integer({ min: 22, max: 30 }))
  .map(([a, b, prefix]) => `10.${a}.${b}.0/${prefix}`);

/** Requests with different keys on one network, some with an address that they want. */
const requestLists = fc.tuple(
  subnets,
  fc.uniqueArray(
    fc.record({ name: fc.stringMatching(/^[a-z]{1,4}$/), wanted: fc.option(fc.nat(1023)) }),
    {
      selector: (item) => item.name,
      maxLength: 40,
    },
  ),
).map(([subnet, items]) =>
  items.map(({ name, wanted }) =>
    request(name, {
      subnet,
      ...(wanted === null
        ? {}
        : { wanted: formatAddress("ipv4", parseSubnet(subnet)!.network + BigInt(wanted)) }),
    })
  )
);

Deno.test("addresses are read strictly and written back", () => {
  for (const text of ["10.0.0.1", "255.255.255.255", "0.0.0.0", "fd00::1", "::"]) {
    const { family, value } = parseAddress(text)!;
    assert.equal(formatAddress(family, value), text);
  }
  for (
    const text of ["10.1", "010.0.0.1", "0x0a.0.0.1", "10.0.0.256", "10.0.0.1 ", "fe80::1%eth0", ""]
  ) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

Deno.test("what is an address, node:net says as well; any number is written so that it is read back", () => {
  const parts = fc.constantFrom("0", "1", "00", "ffff", "A0", "", "12345", "1.2.3.4", "01", "256");
  const almost = fc.tuple(fc.array(parts, { maxLength: 9 }), fc.constantFrom(":", "."))
    .map(([list, separator]) => list.join(separator));
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), almost), (text) => {
    const family = isIPv4(text) ? "ipv4" : isIPv6(text) ? "ipv6" : undefined;
    assert.equal(parseAddress(text)?.family, family, text);
  }));
  for (const [family, bits] of [["ipv4", 32n], ["ipv6", 128n]] as const) {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: (1n << bits) - 1n }), (value) => {
      assert.deepEqual(parseAddress(formatAddress(family, value)), { family, value });
    }));
  }
  const table = [
    ["FD00:0:0:1::0", "fd00:0:0:1::"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["::10.30.0.1", "::a1e:1"],
    ["::ffff:10.30.0.1", "::ffff:a1e:1"],
  ];
  for (const [text, short] of table) {
    const { family, value } = parseAddress(text!)!;
    assert.equal(formatAddress(family, value), short);
  }
});

Deno.test("a subnet without room, or no subnet at all, is none", () => {
  for (
    const text of ["10.0.0.0/31", "10.0.0.0/32", "10.0.0.0/33", "10.0.0.0", "10.0.0.0/", "x/24"]
  ) {
    assert.equal(parseSubnet(text), undefined, text);
  }
  assert.equal(parseSubnet("10.0.0.77/24")!.network, value("10.0.0.0"));
  assert.equal(defaultGateway("10.30.0.0/24"), "10.30.0.1");
});

Deno.test("the dynamic range is the upper quarter, bounded, beside the gateway", () => {
  const table: [string, string | undefined, string | undefined][] = [
    ["10.30.0.0/24", undefined, "10.30.0.192 10.30.0.254"],
    ["10.30.0.0/29", undefined, "10.30.0.6 10.30.0.6"],
    ["10.30.0.0/30", undefined, undefined],
    ["10.0.0.0/8", undefined, "10.255.239.255 10.255.255.254"],
    ["10.30.0.0/24", "10.30.0.254", "10.30.0.192 10.30.0.253"],
    ["10.30.0.0/24", "10.30.0.200", "10.30.0.201 10.30.0.254"],
    ["fd00::/120", undefined, "fd00::c0 fd00::ff"],
    ["nonsense", undefined, undefined],
  ];
  for (const [subnet, gateway, expected] of table) {
    const range = dynamicRange(subnet, gateway);
    assert.equal(range === undefined ? undefined : `${range.start} ${range.end}`, expected, subnet);
  }
});

Deno.test("every request gets an address of its own, or an issue that names it", () => {
  fc.assert(fc.property(requestLists, (requests) => {
    const { reservations, issues } = reserve(requests);
    const taken = Object.values(reservations);
    assert.equal(new Set(taken).size, taken.length, "an address was given twice");
    const complained = new Set(issues.flatMap((issue) => issue.keys));
    for (const { key, subnet, wanted } of requests) {
      const given = reservations[key];
      if (given === undefined) {
        assert.ok(complained.has(key), `${key} has neither address nor issue`);
        continue;
      }
      if (wanted !== undefined) assert.equal(given, wanted);
      const { first, last } = parseSubnet(subnet)!;
      const range = dynamicRange(subnet);
      assert.ok(value(given) > first && value(given) <= last, "outside, or the gateway");
      if (range !== undefined) {
        assert.ok(value(given) < value(range.start) || value(given) > value(range.end));
      }
    }
  }));
});

Deno.test("the order of requests makes no difference", () => {
  const shuffled = requestLists.chain((requests) =>
    fc.tuple(
      fc.constant(requests),
      fc.shuffledSubarray(requests, { minLength: requests.length, maxLength: requests.length }),
    )
  );
  fc.assert(fc.property(shuffled, ([requests, other]) => {
    assert.deepEqual(reserve(requests), reserve(other));
  }));
});

Deno.test("an address that was given stays, whoever comes or goes", () => {
  fc.assert(fc.property(requestLists, fc.nat(), (requests, seed) => {
    const open = requests.map(({ wanted: _, ...rest }) => rest);
    const before = open.filter((_, index) => (seed >> (index % 16)) & 1);
    const first = reserve(before).reservations;
    const later = reserve(open, first).reservations;
    for (const key of Object.keys(first)) assert.equal(later[key], first[key]);
  }));
});

Deno.test("a prior address that is no longer valid gives way", () => {
  const key = request("web").key;
  const cases: [string, AddressRequest[]][] = [
    ["10.31.0.5", [request("web")]],
    ["10.30.0.200", [request("web")]],
    ["10.30.0.1", [request("web")]],
    ["10.30.0.9", [request("web"), request("db", { wanted: "10.30.0.9" })]],
    ["nonsense", [request("web")]],
  ];
  for (const [prior, requests] of cases) {
    const { reservations, issues } = reserve(requests, { [key]: prior });
    assert.deepEqual(issues, []);
    assert.notEqual(reservations[key], prior, prior);
    assert.ok(reservations[key] !== undefined);
  }
});

Deno.test("alone, a NIC gets the address that it prefers", () => {
  const web = request("web");
  assert.equal(reserve([web]).reservations[web.key], preferredAddress(web.subnet, web.key));
});

Deno.test("a huge subnet costs nothing", () => {
  const requests = [request("a", { subnet: "10.0.0.0/8" }), request("b", { subnet: "10.0.0.0/8" })];
  assert.equal(Object.keys(reserve(requests).reservations).length, 2);
  const six = [request("a", { subnet: "fd00::/64" }), request("b", { subnet: "fd00::/64" })];
  const given = Object.values(reserve(six).reservations);
  assert.equal(given.length, 2);
  for (const address of given) assert.ok(address.startsWith("fd00::"), address);
});

Deno.test("a subnet is given out to its last address", () => {
  const names = Array.from({ length: 253 }, (_, index) => `m${index}`);
  const { reservations, issues } = reserve(names.map((name) => request(name, { dhcp: false })));
  assert.deepEqual(issues, []);
  assert.equal(new Set(Object.values(reservations)).size, 253);
});

Deno.test("what cannot be given is said with numbers, addresses and names", () => {
  const small = "10.30.0.0/29";
  const table: Record<string, AddressRequest[]> = {
    "network.address-outside-subnet": [request("web", { wanted: "10.31.0.5" })],
    "network.address-reserved": [request("web", { wanted: "10.30.0.1" })],
    "network.address-in-dynamic-range": [request("web", { wanted: "10.30.0.200" })],
    "network.address-invalid": [request("web", { wanted: "10.30.0" })],
    "network.address-taken": [
      request("web", { wanted: "10.30.0.9" }),
      request("db", { wanted: "10.30.0.9" }),
    ],
    "network.subnet-invalid": [request("web", { subnet: "10.30.0.0/33" })],
    "network.subnet-full": ["a", "b", "c", "d", "e", "f"].map((name) =>
      request(name, { subnet: small })
    ),
  };
  const messages: Record<string, string> = {
    "network.address-outside-subnet": "address 10.31.0.5 is outside the subnet 10.30.0.0/24",
    "network.address-reserved": "address 10.30.0.1 is the gateway of 10.30.0.0/24",
    "network.address-in-dynamic-range":
      "address 10.30.0.200 is in the dynamic DHCP range 10.30.0.192 to 10.30.0.254",
    "network.address-invalid": '"10.30.0" is no IP address',
    "network.address-taken": "address 10.30.0.9 is wanted twice on lab/network.front: by " +
      "lab/machine.db#nic0 and by lab/machine.web#nic0",
    "network.subnet-invalid": '"10.30.0.0/33" is no subnet with room for machines',
    "network.subnet-full": "subnet 10.30.0.0/29 is full: 6 machines want an address, it has 4 to " +
      "give (8 less network and broadcast address, gateway, dynamic DHCP range 10.30.0.6 to " +
      "10.30.0.6); none is left for lab/machine.e#nic0, lab/machine.f#nic0",
  };
  for (const [code, requests] of Object.entries(table)) {
    const { issues } = reserve(requests);
    assert.equal(issues.length, 1, code);
    assert.equal(issues[0]!.code, code);
    assert.equal(issues[0]!.message, messages[code]);
    assert.ok(issues[0]!.help !== undefined && issues[0]!.keys.length > 0);
  }
  assert.deepEqual(
    ["10.30.0.0", "10.30.0.255"].map((wanted) =>
      reserve([request("web", { wanted })]).issues[0]!.message
    ),
    [
      "address 10.30.0.0 is the network address of 10.30.0.0/24",
      "address 10.30.0.255 is the broadcast address of 10.30.0.0/24",
    ],
  );
});
