/**
 * CPU features by the names that libvirt gives them.
 *
 * @module
 */

/** The version of libvirt whose names these are, counted as hosts do. */
const AS_OF = 9_000_000;

const X86 = new Set(
  (
    "3dnow 3dnowext 3dnowprefetch abm acpi adx aes amd-no-ssb amd-ssbd amd-stibp amx-bf16 " +
    "amx-int8 amx-tile apic arat arch-capabilities arch-lbr arch_capabilities avic avx avx-vnni " +
    "avx2 avx512-4fmaps avx512-4vnniw avx512-bf16 avx512-fp16 avx512-vp2intersect " +
    "avx512-vpopcntdq avx512bitalg avx512bw avx512cd avx512dq avx512er avx512f avx512ifma " +
    "avx512pf avx512vbmi avx512vbmi2 avx512vl avx512vnni bmi1 bmi2 bus-lock-detect cid cldemote " +
    "clflush clflushopt clwb clzero cmov cmp-legacy cmp_legacy cmt core-capability cqm cr8legacy " +
    "cvt16 cx16 cx8 dca de decodeassists ds ds-cpl ds_cpl dtes64 erms est extapic f16c ffxsr " +
    "flushbyasid fma fma4 fpu fsgsbase fsrm fxsr fxsr-opt fxsr_opt gfni hle ht hypervisor i64 " +
    "ia64 ibpb ibrs ibrs-all ibs intel-pt intel-pt-lip invpcid invtsc la57 lahf-lm lahf_lm lbrv " +
    "lm lwp mbm_local mbm_total mca mce md-clear md_clear mds-no misalignsse mmx mmxext monitor " +
    "movbe movdir64b movdiri mpx msr mtrr nodeid-msr nodeid_msr npt nrip-save nrip_save nx ospke " +
    "osvw osxsave pae pat pause-filter pause_filter pbe pcid pclmuldq pclmulqdq pcommit pconfig " +
    "pdcm pdpe1gb perfctr-core perfctr-nb perfctr_core perfctr_nb pfthreshold pge pks pku pn pni " +
    "popcnt pschange-mc-no pse pse36 rdctl-no rdpid rdrand rdseed rdtscp rsba rtm sep serialize " +
    "sgx sgx-debug sgx-exinfo sgx-kss sgx-mode64 sgx-provisionkey sgx-tokenkey sgx1 sgx2 sgxlc " +
    "sha-ni skinit skip-l1dfl-vmentry smap smep smx spec-ctrl split-lock-detect ss ssb-no ssbd " +
    "sse sse2 sse3 sse4-1 sse4-2 sse4.1 sse4.2 sse4_1 sse4_2 sse4a ssse3 stibp svm svm-lock " +
    "svm_lock svme-addr-chk syscall taa-no tbm tce tm tm2 topoext tsc tsc-adjust tsc-deadline " +
    "tsc-scale tsc_adjust tsc_scale tsx-ctrl tsx-ldtrk umip v-vmsave-vmload vaes vgif virt-ssbd " +
    "vmcb-clean vmcb_clean vme vmx vpclmulqdq waitpkg wbnoinvd wdt x2apic xd xfd xgetbv1 xop " +
    "xsave xsavec xsaveerptr xsaveopt xsaves xtpr "
  ).trim().split(" "),
);

/** Known names that look like one that is not known. */
function alike(name: string): string[] {
  const letters = (text: string) => text.replaceAll(/[^a-z0-9]/g, "");
  const wanted = letters(name);
  return [...X86].filter((known) => {
    const other = letters(known);
    return other === wanted || other.startsWith(wanted) || wanted.startsWith(other);
  }).sort((a, b) => Math.abs(a.length - name.length) - Math.abs(b.length - name.length)).slice(
    0,
    3,
  );
}

/**
 * Whether a host surely does not know a feature; then, names that may be meant. Undefined: it knows it,
 * or is newer than this list, or of another architecture.
 */
export function unknownFeature(
  name: string,
  host: { readonly arch: string; readonly libvirtVersion: number },
): readonly string[] | undefined {
  const x86 = host.arch === "x86_64" || host.arch === "i686";
  if (!x86 || host.libvirtVersion > AS_OF || X86.has(name)) return undefined;
  return alike(name);
}
