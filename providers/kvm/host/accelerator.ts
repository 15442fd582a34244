/**
 * Whether guests really run under KVM on a host.
 *
 * `/dev/kvm` can be there without VT-x or AMD-V: it opens, and a stock guest hangs under it. The
 * processor's flags alone say nothing about the device either. Both are looked at.
 *
 * Pure: what was found out is given.
 *
 * @module
 */

import type { AcceleratorVerdict } from "../facts.ts";
import { child, children, textOf, type XmlElement } from "../xml/mod.ts";

/** The verdict and what it rests on, one a line. */
export interface Accelerator {
  /**
   * `kvm-hw`: guests run under KVM; `kvm-soft`: there is a KVM without hardware support, guests are
   * emulated; `tcg`: no KVM, guests are emulated.
   */
  readonly verdict: AcceleratorVerdict;
  readonly evidence: readonly string[];
}

/** What the host itself says, where it could be asked. */
export interface LocalProbe {
  /** `vmx` or `svm` among the flags in /proc/cpuinfo; undefined: it could not be read. */
  readonly flag?: "vmx" | "svm" | "none";
  /** `absent`, or mode and owner of /dev/kvm as `stat` prints them, for example `660 root:kvm`. */
  readonly device?: string;
  /** Whether this user may open it. */
  readonly opens?: boolean;
  /** Kernel modules with kvm in their name. */
  readonly modules?: readonly string[];
}

/** A POSIX shell script that finds out what {@linkcode LocalProbe} holds. */
export const PROBE_SCRIPT = `if [ -r /proc/cpuinfo ]; then
  if grep -qwm1 vmx /proc/cpuinfo; then echo "flag vmx"
  elif grep -qwm1 svm /proc/cpuinfo; then echo "flag svm"
  else echo "flag none"; fi
fi
if [ -e /dev/kvm ]; then
  echo "device $(stat -c '%a %U:%G' /dev/kvm)"
  if (: <>/dev/kvm) 2>/dev/null; then echo "opens yes"; else echo "opens no"; fi
else echo "device absent"; fi
echo "modules $(cd /sys/module 2>/dev/null && echo kvm*)"`;

/** Reads what {@linkcode PROBE_SCRIPT} printed. */
export function readProbe(output: string | undefined): LocalProbe {
  const found = new Map<string, string>();
  for (const line of (output ?? "").split("\n")) {
    const space = line.indexOf(" ");
    if (space > 0) found.set(line.slice(0, space), line.slice(space + 1).trim());
  }
  const flag = found.get("flag");
  const modules = found.get("modules");
  return {
    ...(flag === "vmx" || flag === "svm" || flag === "none" ? { flag } : {}),
    ...(found.has("device") ? { device: found.get("device") } : {}),
    ...(found.has("opens") ? { opens: found.get("opens") === "yes" } : {}),
    ...(modules === undefined || modules === "kvm*" ? {} : { modules: modules.split(" ") }),
  };
}

/**
 * Processor models of libvirt's CPU map that have SVM in them: libvirt lists beside the model only
 * what goes beyond it. It picks a model only if the host has everything that is in it. VMX is in no
 * model, and so always listed by itself.
 */
const MODELS_WITH_SVM = /^(EPYC|Dhyana|Opteron_G[2-5]|phenom)/;

/** Architectures whose processors have no flag for it: there, a KVM is one with hardware support. */
const WITHOUT_FLAG = /^(aarch64|armv[78]|ppc64|s390|riscv|loongarch|mips)/;

function hostFlag(host: XmlElement | undefined): "vmx" | "svm" | "none" {
  const cpu = host === undefined ? undefined : child(host, "cpu");
  if (cpu === undefined) return "none";
  const features = children(cpu, "feature").map((feature) => feature.attributes.get("name"));
  if (features.includes("vmx")) return "vmx";
  const model = child(cpu, "model");
  const svm = features.includes("svm") ||
    (model !== undefined && MODELS_WITH_SVM.test(textOf(model)));
  return svm ? "svm" : "none";
}

/**
 * Judges by libvirt's capabilities and, where the host could be asked, by its own word.
 *
 * @param capabilities root of `virConnectGetCapabilities`
 */
export function judgeAccelerator(
  capabilities: XmlElement,
  probe: LocalProbe = {},
): Accelerator {
  const evidence: string[] = [];
  const host = child(capabilities, "host");
  const cpu = host === undefined ? undefined : child(host, "cpu");
  const archElement = cpu === undefined ? undefined : child(cpu, "arch");
  const arch = archElement === undefined ? "unknown" : textOf(archElement);
  const guest = children(capabilities, "guest")
    .map((item) => child(item, "arch"))
    .find((item) => item?.attributes.get("name") === arch);
  const offered = guest !== undefined &&
    children(guest, "domain").some((item) => item.attributes.get("type") === "kvm");
  evidence.push(
    guest === undefined
      ? `libvirt has no emulator for the host's own architecture, ${arch}`
      : `libvirt ${offered ? "offers" : "does not offer"} domain type 'kvm' for ${arch}`,
  );

  if (probe.device !== undefined) {
    evidence.push(
      probe.device === "absent"
        ? "/dev/kvm is absent"
        : `/dev/kvm is there (${probe.device})${
          probe.opens === undefined
            ? ""
            : probe.opens
            ? " and opens"
            : " and does not open for this user"
        }`,
    );
  }
  if (probe.modules !== undefined) evidence.push(`kernel modules: ${probe.modules.join(", ")}`);

  let hardware: boolean;
  if (WITHOUT_FLAG.test(arch)) {
    hardware = true;
    evidence.push(`${arch} has no processor flag for it: a KVM there has hardware support`);
  } else if (probe.flag !== undefined) {
    hardware = probe.flag !== "none";
    evidence.push(
      hardware
        ? `/proc/cpuinfo has the flag ${probe.flag}`
        : "/proc/cpuinfo has neither vmx (VT-x) nor svm (AMD-V)",
    );
  } else {
    const flag = hostFlag(host);
    hardware = flag !== "none";
    evidence.push(
      hardware
        ? `libvirt sees ${flag} in the host's processor`
        : "libvirt sees neither vmx (VT-x) nor svm (AMD-V) in the host's processor",
    );
  }
  const verdict = !offered ? "tcg" : hardware ? "kvm-hw" : "kvm-soft";
  return { verdict, evidence };
}
