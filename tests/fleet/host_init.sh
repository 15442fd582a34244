#!/bin/bash
# First process of a fleet host: makes the host's own root, network, identity and services, then waits.
#   host_init.sh NAME ADDRESS/PREFIX STATE_DIR
# It runs in namespaces of its own, so that all it mounts and makes goes when it dies. Its folder holds:
# up, work (overlay of /), images (a real folder: images may not stand on an overlay), home, etc (files
# to put into /etc), ssh_host_key, uuid, capabilities (QEMU's, optional), kvm (absent, usable, root-only).
set -euo pipefail
name=$1 address=$2 dir=$3
shared=$dir/../shared
exec 9>"$dir/ready"

root=$dir/root
mkdir -p "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/up,workdir=$dir/work" "$root"
mkdir -p "$root/oldroot" "$root/srv/shared" "$root/var/lib/libvirt/images"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
# The cgroup namespace's own view: the fleet gave this host a group in every hierarchy.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  # A group that gives controllers to its children may hold no process itself.
  mkdir -p "$root/sys/fs/cgroup/init"
  while read -r process; do echo "$process"; done <"$root/sys/fs/cgroup/cgroup.procs" | while read -r process; do
    echo "$process" >"$root/sys/fs/cgroup/init/cgroup.procs" 2>/dev/null || true
  done
  for controller in $(cat "$root/sys/fs/cgroup/cgroup.controllers"); do
    echo "+$controller" >"$root/sys/fs/cgroup/cgroup.subtree_control" || true
  done
else
  mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
  awk '{ for (i = 1; i <= NF; i++) if ($i == "-" && $(i + 1) == "cgroup") print $5, $(i + 3) }' /proc/self/mountinfo |
    while read -r path options; do
      case $path in /sys/fs/cgroup/*) ;; *) continue ;; esac
      case $path in */systemd) continue ;; esac
      controllers=$(printf %s "$options" | tr ',' '\n' | grep -vxE 'rw|ro|xattr|release_agent=.*' | paste -sd, -)
      mkdir -p "$root$path"
      mount -t cgroup -o "$controllers" cgroup "$root$path"
      for controller in ${controllers//,/ }; do
        [ -e "$root/sys/fs/cgroup/$controller" ] || ln -s "${path##*/}" "$root/sys/fs/cgroup/$controller"
      done
    done
fi

mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/sshd" "$root/run/lock" "$root/run/fleet"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
(
  cd "$root/dev"
  mkdir pts shm net hugepages mapper
  mknod -m 666 null c 1 3
  mknod -m 666 zero c 1 5
  mknod -m 666 full c 1 7
  mknod -m 666 random c 1 8
  mknod -m 666 urandom c 1 9
  mknod -m 666 tty c 5 0
  mknod -m 666 net/tun c 10 200
  mknod -m 666 fuse c 10 229
  mknod -m 600 vhost-net c 10 238
  case $(cat "$dir/kvm") in
    usable) mknod -m 660 kvm c 10 232 && chgrp kvm kvm ;;
    root-only) mknod -m 600 kvm c 10 232 ;;
  esac
  ln -s pts/ptmx ptmx
  ln -s /proc/self/fd fd
  ln -s fd/0 stdin
  ln -s fd/1 stdout
  ln -s fd/2 stderr
)
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t hugetlbfs hugetlbfs "$root/dev/hugepages" 2>/dev/null || rmdir "$root/dev/hugepages"

# Nothing of the machine below shows in the host: its libvirt, its users' homes, its keys.
if [ ! -e "$dir/made" ]; then
  theirs=("$root"/var/{lib,cache,log}/libvirt "$root"/etc/libvirt/{qemu,storage,secrets,nwfilter,hooks})
  # Once more if the machine's own libvirt has just written there, between the look and the removal.
  rm -rf "${theirs[@]}" || rm -rf "${theirs[@]}"
  rm -rf "$root"/etc/ssh/ssh_host_* "$root"/etc/ssh/sshd_config.d "$root"/etc/cron* "$root"/srv/shared/*
  mkdir -p "$root"/var/lib/libvirt/{images,boot,dnsmasq,sanlock} "$root"/var/cache/libvirt/qemu "$root"/var/log/libvirt/qemu
  mkdir -p "$root"/etc/libvirt/{qemu/networks/autostart,storage/autostart,nwfilter}
  chmod 711 "$root"/var/lib/libvirt/{images,boot}
  user=libvirt-qemu
  install -d -o "$user" -g kvm -m 750 "$root/var/lib/libvirt/qemu" "$root/var/cache/libvirt/qemu"
  [ -d "$dir/capabilities" ] && cp -a "$dir/capabilities" "$root/var/cache/libvirt/qemu/capabilities"
  sed -i '/^host_uuid/d; /^unix_sock/d; /^listen_/d; /^log_/d' "$root/etc/libvirt/libvirtd.conf"
  echo "host_uuid = \"$(cat "$dir/uuid")\"" >>"$root/etc/libvirt/libvirtd.conf"
  # The security modules' file systems are not there, nor are they needed between test hosts.
  sed -i '/^security_driver/d; /^user *=/d; /^group *=/d; /^cgroup_controllers/d' "$root/etc/libvirt/qemu.conf"
  echo 'security_driver = "none"' >>"$root/etc/libvirt/qemu.conf"
  tr -d - <"$dir/uuid" >"$root/etc/machine-id"
  echo "$name" >"$root/etc/hostname"
  rm -f "$root/etc/resolv.conf"
  : >"$root/etc/resolv.conf"
  # sshd refuses a locked account even with a key.
  sed -i 's/^root:[^:]*:/root:*:/' "$root/etc/shadow"
  install -m 600 "$dir/ssh_host_key" "$root/etc/ssh/ssh_host_ed25519_key"
  install -m 644 "$dir/ssh_host_key.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
  cat >"$root/etc/ssh/sshd_config" <<END
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
MaxStartups 100:30:200
MaxSessions 100
Subsystem sftp internal-sftp
END
  install -m 755 "$dir/../service.sh" "$root/usr/local/sbin/fleet-service"
  : >"$dir/made"
fi
install -m 644 "$dir/../hosts" "$root/etc/hosts"

mount --bind "$dir/images" "$root/var/lib/libvirt/images"
mount --bind "$shared" "$root/srv/shared"
mount --bind "$dir/home" "$root/root"

hostname "$name"
cd "$root"
pivot_root . oldroot
cd /
umount -l /oldroot

ip link set lo up
for _ in $(seq 3000); do
  [ -e /sys/class/net/eth0 ] && break
  sleep 0.01
done
[ -e /sys/class/net/eth0 ] || { echo "no network came: giving up" >&2; exit 1; }
# Guests may be bridged to the fleet's network: the address stands on a bridge.
ip link add br0 type bridge stp_state 0 forward_delay 0
ip link set eth0 master br0 up
ip link set br0 up
ip address add "$address" dev br0
sysctl -qw net.ipv4.ip_forward=1

export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
set +e
for service in virtlogd libvirtd sshd; do fleet-service $service start; done
fleet-service libvirtd wait && fleet-service sshd wait && echo ready >&9
exec 9>&-
# The kernel gives this process every orphan of the host: it takes their exit status.
while :; do wait -n 2>/dev/null || sleep 1; done
