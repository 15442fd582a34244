#!/usr/bin/env bash
# Makes a disk image that boots a kernel with an initrd by itself, from BIOS and from UEFI firmware: what
# a distribution's cloud image is to its reader, in 20 MB. No loop device, no mount, no root.
#
#   guest_disk.sh PROGRAMS KERNEL INITRD IMAGE
#
# PROGRAMS: a folder into which grub-common, grub-pc-bin, grub-efi-amd64-bin, mtools and dosfstools are
# unpacked. IMAGE: the qcow2 file to make.
set -euo pipefail
programs=$1 kernel=$2 initrd=$3 image=$4
work=$(dirname "$image")/disk
mkdir -p "$work"
PATH=$programs/usr/bin:$programs/usr/sbin:$programs/sbin:$programs/bin:$PATH

export MTOOLS_SKIP_CHECK=1 MTOOLSRC=/dev/null

cat >"$work/grub.cfg" <<'END'
search --set=root --label STADDLE
linux /kernel console=ttyS0 quiet
initrd /initrd
boot
END
modules=(part_msdos fat linux boot search search_label)
grub-mkimage -O i386-pc -d "$programs/usr/lib/grub/i386-pc" -p / -c "$work/grub.cfg" -o "$work/core.img" biosdisk "${modules[@]}"
grub-mkimage -O x86_64-efi -d "$programs/usr/lib/grub/x86_64-efi" -p / -c "$work/grub.cfg" -o "$work/bootx64.efi" "${modules[@]}"

# One partition from the first MiB on: the EFI system partition, which BIOS GRUB reads as well.
first=2048
sectors=$((($(stat -c %s "$kernel") + $(stat -c %s "$initrd") + $(stat -c %s "$work/bootx64.efi")) / 512 * 11 / 10 + 8192))
truncate -s $((sectors * 512)) "$work/partition"
mkfs.vfat --invariant -F 16 -s 4 -n STADDLE "$work/partition" >/dev/null
mkdir -p "$work/tree/EFI/BOOT"
cp "$work/bootx64.efi" "$work/tree/EFI/BOOT/BOOTX64.EFI"
cp "$kernel" "$work/tree/kernel"
cp "$initrd" "$work/tree/initrd"
# Fixed times, as far back as FAT knows: the same files give the same bytes.
find "$work/tree" -exec touch -d @315532800 {} +
TZ=UTC mcopy -s -m -i "$work/partition" "$work"/tree/* ::

# A number of 32 bits as it stands in a partition table, for printf.
little_endian() {
  printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255))
}
put() { dd of="$work/disk" bs=1 seek="$1" conv=notrunc status=none; }

# GRUB's boot sector loads the sector behind it, and that one the rest of core.img: both find each other
# by these positions without an installer.
truncate -s $(((first + sectors) * 512)) "$work/disk"
dd if="$programs/usr/lib/grub/i386-pc/boot.img" of="$work/disk" bs=440 count=1 conv=notrunc status=none
[ "$(stat -c %s "$work/core.img")" -lt $(((first - 1) * 512)) ] || { echo "GRUB's core.img is too large" >&2; exit 1; }
dd if="$work/core.img" of="$work/disk" bs=512 seek=1 conv=notrunc status=none
dd if="$work/partition" of="$work/disk" bs=512 seek=$first conv=notrunc,sparse status=none
printf "STDL\0\0" | put 440
printf "\x80\xff\xff\xff\xef\xff\xff\xff$(little_endian $first)$(little_endian $sectors)" | put 446
printf '\x55\xaa' | put 510

qemu-img convert -O qcow2 "$work/disk" "$image"
rm -rf "$work"
