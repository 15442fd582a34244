/**
 * What a host should have so that Staddle works well on it: each check with its evidence and, where
 * something is wrong, what to do. Pure: what was found out is given.
 *
 * @module
 */

import { StaddleError } from "../../error.ts";
import type { HostFacts } from "../facts.ts";
import { type LocalProbe, PROBE_SCRIPT, readProbe } from "./accelerator.ts";

/** One check. */
export interface DoctorCheck {
  /** What was looked at, for example `virtlogd`. */
  readonly name: string;
  /** `warn`: it works, but not well, or not for everything; `fail`: it does not work. */
  readonly status: "ok" | "warn" | "fail";
  /** What was seen, one a line. */
  readonly evidence: readonly string[];
  /** What to do about it. */
  readonly remedy?: string;
}

/** A pool or network as libvirt lists it. */
export interface ListedObject {
  readonly name: string;
  readonly active: boolean;
  readonly autostart: boolean;
}

/** What was found out about a host that libvirt answers on. */
export interface HostFindings {
  readonly facts: HostFacts;
  readonly local: boolean;
  /** What {@linkcode HOST_SCRIPT} printed there; undefined: no command could be run. */
  readonly script: string | undefined;
  /** Why they cannot be listed, where they cannot. */
  readonly pools: readonly ListedObject[] | StaddleError;
  readonly networks: readonly ListedObject[] | StaddleError;
}

/** A POSIX shell script that looks at what libvirt does not tell. Prints `word rest` lines. */
export const HOST_SCRIPT = `PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
echo "user $(id -un)"
${PROBE_SCRIPT}
quser=$(sed -n 's/^ *user *= *"\\{0,1\\}\\([^"]*\\)"\\{0,1\\}.*/\\1/p' /etc/libvirt/qemu.conf 2>/dev/null | tail -n 1)
if [ -z "$quser" ]; then for u in libvirt-qemu qemu; do id -u "$u" >/dev/null 2>&1 && { quser=$u; break; }; done; fi
[ -n "$quser" ] && echo "qemu-user $quser $(id -Gn "$quser" 2>/dev/null)"
for p in dnsmasq qemu-img virtlogd nft iptables; do
  f=$(command -v $p 2>/dev/null) && echo "program $p $f"
done
for s in virtlogd-sock virtlockd-sock; do
  if [ -S /run/libvirt/$s ] && grep -q " 00010000 .*/libvirt/$s\\$" /proc/net/unix 2>/dev/null; then echo "socket $s listening"
  elif [ -S /run/libvirt/$s ]; then echo "socket $s dead"
  else echo "socket $s absent"; fi
done
grep -q '^ *stdio_handler *= *"\\{0,1\\}file' /etc/libvirt/qemu.conf 2>/dev/null && echo "stdio file"
[ -r /proc/sys/net/ipv4/ip_forward ] && echo "forward $(cat /proc/sys/net/ipv4/ip_forward)"
df -Pk /var/lib/libvirt 2>/dev/null | awk 'NR==2 {print "free " $4}'
exit 0`;

interface Words {
  first(name: string): string | undefined;
  all(name: string): string[];
}

function words(script: string): Words {
  const lines = script.split("\n");
  const all = (name: string) =>
    lines.filter((line) => line.startsWith(`${name} `)).map((line) =>
      line.slice(name.length + 1).trim()
    );
  return { all, first: (name) => all(name)[0] };
}

function version(number: number): string {
  return `${Math.floor(number / 1e6)}.${Math.floor(number / 1e3) % 1000}.${number % 1000}`;
}

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** Least libvirt that is tried: earlier ones lack calls that are used without asking. */
const LEAST_LIBVIRT = 7_000_000;

function checkVersions({ facts }: HostFindings): DoctorCheck[] {
  const emulators = Object.entries(facts.emulators);
  const old = facts.libvirtVersion < LEAST_LIBVIRT;
  return [
    {
      name: "libvirt",
      status: old ? "warn" : "ok",
      evidence: [
        `libvirt ${version(facts.libvirtVersion)} answers as ${facts.uri} on ${facts.hostname}`,
      ],
      ...(old
        ? { remedy: `libvirt ${version(LEAST_LIBVIRT)} or newer is advised: update the host` }
        : {}),
    },
    emulators.length === 0
      ? {
        name: "qemu",
        status: "fail",
        evidence: ["libvirt knows no emulator on the host"],
        remedy:
          "install QEMU on the host (Debian and Ubuntu: qemu-system-x86), then restart libvirtd or virtqemud",
      }
      : {
        name: "qemu",
        status: "ok",
        evidence: [
          `QEMU ${version(facts.hypervisorVersion)}; emulators for ${
            emulators.map(([arch]) => arch).sort().join(", ")
          }`,
        ],
      },
    {
      name: "resources",
      status: "ok",
      evidence: [
        `${facts.cpus} CPUs, ${gib(facts.memory)} of memory, ${gib(facts.freeMemory)} free`,
      ],
    },
  ];
}

function checkAccelerator({ facts }: HostFindings, probe: LocalProbe): DoctorCheck {
  const { verdict, evidence } = facts.accelerator;
  const lines = [`verdict: ${verdict}`, ...evidence];
  if (verdict === "kvm-hw") return { name: "accelerator", status: "ok", evidence: lines };
  const remedy = verdict === "kvm-soft"
    ? "guests are emulated (TCG), since a stock guest may hang under this KVM; in a virtual machine, let its own host " +
      "pass VT-x or AMD-V through"
    : probe.flag === "vmx" || probe.flag === "svm"
    ? "the processor can do it: load the kernel module (modprobe kvm_intel or kvm_amd), see that /dev/kvm can be opened " +
      "by QEMU's user, then restart libvirtd or virtqemud; until then guests are emulated (TCG)"
    : "guests are emulated (TCG); turn VT-x or AMD-V on in the firmware, or use a host that has it";
  return { name: "accelerator", status: "warn", evidence: lines, remedy };
}

/** A /dev/kvm that QEMU's user cannot open makes libvirt probe QEMU anew for each define. */
function checkKvmDevice(probe: LocalProbe, said: Words): DoctorCheck[] {
  if (probe.device === undefined || probe.device === "absent") return [];
  const [mode = "", owner = ""] = probe.device.split(" ");
  const [user = "", ...groups] = (said.first("qemu-user") ?? "").split(" ");
  if (user === "") return [];
  const bits = mode.slice(-3).padStart(3, "0");
  const [deviceUser, deviceGroup] = owner.split(":");
  const may = (digit: string | undefined) => (Number(digit) & 6) === 6;
  const opens = user === "root" || may(bits[2]) || (user === deviceUser && may(bits[0])) ||
    (groups.includes(deviceGroup ?? "") && may(bits[1]));
  const evidence = [
    `/dev/kvm is ${mode} ${owner}; QEMU runs as ${user} (groups: ${groups.join(", ") || "none"})`,
  ];
  return [
    opens ? { name: "/dev/kvm", status: "ok", evidence } : {
      name: "/dev/kvm",
      status: "warn",
      evidence: [
        ...evidence,
        "QEMU's user cannot open it: each define may take 10 to 40 s, for libvirt probes QEMU anew",
      ],
      remedy:
        "chgrp kvm /dev/kvm && chmod 0660 /dev/kvm (a udev rule keeps it), with QEMU's user in the group kvm; or set " +
        'user = "root" in /etc/libvirt/qemu.conf; then restart libvirtd or virtqemud',
    },
  ];
}

function checkServices(said: Words): DoctorCheck[] {
  const programs = new Map(said.all("program").map((line) => line.split(" ") as [string, string]));
  const sockets = new Map(said.all("socket").map((line) => line.split(" ") as [string, string]));
  const virtlogd = sockets.get("virtlogd-sock");
  const filtered = programs.has("nft") || programs.has("iptables");
  const free = Number(said.first("free") ?? NaN) * 1024;
  return [
    virtlogd === "listening" || said.first("stdio") === "file"
      ? {
        name: "virtlogd",
        status: "ok",
        evidence: [
          virtlogd === "listening" ? "virtlogd listens" : "not needed: stdio_handler is file",
        ],
      }
      : {
        name: "virtlogd",
        status: "fail",
        evidence: [`virtlogd's socket is ${virtlogd ?? "absent"}`],
        remedy: "start it (systemctl enable --now virtlogd.socket): no guest starts without it",
      },
    programs.has("dnsmasq")
      ? { name: "dnsmasq", status: "ok", evidence: [programs.get("dnsmasq")!] }
      : {
        name: "dnsmasq",
        status: "fail",
        evidence: ["dnsmasq is not in the host's PATH"],
        remedy:
          "install it (Debian and Ubuntu: dnsmasq-base): networks have no DHCP and DNS without it",
      },
    filtered
      ? {
        name: "packet filter",
        status: "ok",
        evidence: [
          [...programs].filter(([name]) => name === "nft" || name === "iptables").map(([, path]) =>
            path
          ).join(", "),
        ],
      }
      : {
        name: "packet filter",
        status: "fail",
        evidence: ["neither iptables nor nft is in the host's PATH"],
        remedy: "install iptables: libvirt cannot start NAT and routed networks without it",
      },
    programs.has("qemu-img")
      ? { name: "qemu-img", status: "ok", evidence: [programs.get("qemu-img")!] }
      : {
        name: "qemu-img",
        status: "fail",
        evidence: ["qemu-img is not in the host's PATH"],
        remedy: "install it (Debian and Ubuntu: qemu-utils): volumes of qcow2 are made with it",
      },
    ...(Number.isNaN(free) ? [] : [
      free < 2 * 2 ** 30
        ? {
          name: "room",
          status: "warn" as const,
          evidence: [`${gib(free)} free in /var/lib/libvirt`],
          remedy: "make room, or declare a pool on a larger file system",
        }
        : {
          name: "room",
          status: "ok" as const,
          evidence: [`${gib(free)} free in /var/lib/libvirt`],
        },
    ]),
  ];
}

function list(name: string, objects: readonly ListedObject[] | StaddleError): DoctorCheck {
  if (objects instanceof StaddleError) {
    return { name, status: "fail", evidence: objects.details, remedy: objects.help };
  }
  const idle = objects.filter(({ active, autostart }) => !active && autostart);
  return {
    name,
    status: idle.length > 0 ? "warn" : "ok",
    evidence: objects.length === 0
      ? ["none"]
      : objects.map((item) =>
        `${item.name}: ${item.active ? "active" : "inactive"}, autostart ${
          item.autostart ? "on" : "off"
        }`
      ),
    ...(idle.length === 0 ? {} : {
      remedy: `${
        idle.map((item) => item.name).join(", ")
      } should have started with the host and did not: see libvirt's log`,
    }),
  };
}

/** Every check on a host that libvirt answers on. */
export function checkup(findings: HostFindings): DoctorCheck[] {
  const { script, local, pools, networks } = findings;
  const said = words(script ?? "");
  const probe = readProbe(script);
  const user = said.first("user");
  return [
    ...checkVersions(findings),
    {
      name: "permissions",
      status: "ok",
      evidence: [
        `libvirt's read-write socket opens for ${user ?? "this user"}${
          local ? "" : " on the host"
        }`,
      ],
    },
    checkAccelerator(findings, probe),
    ...(script === undefined
      ? [{
        name: "commands",
        status: "warn" as const,
        evidence: [
          "no command can be run on the host, so its programs, sockets and devices were not looked at",
        ],
      }]
      : [...checkKvmDevice(probe, said), ...checkServices(said)]),
    list("pools", pools),
    list("networks", networks),
  ];
}
