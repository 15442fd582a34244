#!/bin/busybox sh
# Follows the machine while it runs: starts a DHCP client on each NIC, brings added vCPUs online, and
# tells the console about vCPUs, NICs and disks when they change. Only shell built-ins in the loop, so
# that watching costs an emulated CPU next to nothing.
. /lib/guest/common.sh

address_of() {
  # Addresses that the seed's network-config gives this NIC, by name or by MAC address.
  [ -e /run/network ] || return
  awk -v nic="$1" -v mac="$2" -F= '
    { split($1, p, "."); id = p[2]; key = substr($1, length(p[1] "." p[2]) + 2) }
    p[1] != "ethernets" { next }
    key == "match.macaddress" { ours[id] = tolower($2) == tolower(mac) ? 1 : -1 }
    key == "match.name" || key == "set-name" { if ($2 == nic) ours[id] = 1 }
    key ~ /^addresses\.[0-9]+$/ { lines[id] = lines[id] "address " $2 "\n" }
    key == "gateway4" { lines[id] = lines[id] "gateway " $2 "\n" }
    key ~ /^routes\.[0-9]+\.to$/ { to[id, p[4]] = $2 }
    key ~ /^routes\.[0-9]+\.via$/ { lines[id] = lines[id] "route " to[id, p[4]] " " $2 "\n" }
    { ids[id] = 1 }
    END { for (id in ids) if (ours[id] == 1 || (ours[id] == 0 && id == nic)) printf "%s", lines[id] }
  ' /run/network
}

start_nic() {
  nic=$1
  read -r mac <"/sys/class/net/$nic/address"
  ip link set "$nic" up
  fixed=$(address_of "$nic" "$mac")
  if [ -n "$fixed" ]; then
    echo "$fixed" | while read -r what first second; do
      case $what in
        address) ip addr add "$first" dev "$nic"; echo "${first%/*}" >"/run/address.$nic"; say "static $nic $mac ${first%/*}" ;;
        gateway) ip route replace default via "$first" dev "$nic" ;;
        route) ip route replace "$first" via "$second" dev "$nic" ;;
      esac
    done
    return
  fi
  udhcpc -f -i "$nic" -x "hostname:$(hostname)" -t 20 -T 1 -A 2 -s /lib/guest/udhcpc.sh >/dev/null 2>&1 &
  echo $! >"/run/udhcpc.$nic"
}

stop_nic() {
  [ -e "/run/udhcpc.$1" ] && read -r pid <"/run/udhcpc.$1" && kill "$pid" 2>/dev/null
  rm -f "/run/udhcpc.$1" "/run/address.$1"
}

known_nics=' '
known_cpus=
known_disks=
known_memory=
while :; do
  nics=' '
  for path in /sys/class/net/*; do
    nic=${path##*/}
    [ "$nic" = lo ] && continue
    [ -e "$path/device" ] || continue
    case $known_nics in
      *" $nic:"*) ;;
      *) start_nic "$nic"
         say "nic $nic $mac"
         ;;
    esac
    carrier=1
    read -r carrier 2>/dev/null <"$path/carrier"
    nics="$nics$nic:$carrier "
    case $known_nics in
      *" $nic:$carrier "*) ;;
      *" $nic:"*)
        say "link $nic $([ "$carrier" = 1 ] && echo up || echo down)"
        # Another network may be behind the link now.
        [ "$carrier" = 1 ] && { stop_nic "$nic"; start_nic "$nic"; }
        ;;
    esac
  done
  for entry in $known_nics; do
    case $nics in
      *" ${entry%:*}:"*) ;;
      *) stop_nic "${entry%:*}"; say "nic-gone ${entry%:*}" ;;
    esac
  done
  known_nics=$nics

  for path in /sys/devices/system/cpu/cpu[0-9]*/online; do
    [ -e "$path" ] && read -r state <"$path" && [ "$state" = 0 ] && [ ! -e /run/keep-offline ] && echo 1 >"$path"
  done 2>/dev/null
  read -r cpus </sys/devices/system/cpu/online
  [ "$cpus" = "$known_cpus" ] || { known_cpus=$cpus; say "vcpus-online $cpus"; }

  disks=
  for path in /sys/block/vd* /sys/block/sd* /sys/block/sr*; do
    [ -e "$path/size" ] && read -r sectors <"$path/size" && disks="$disks ${path##*/}=$((sectors * 512))"
  done
  [ "$disks" = "$known_disks" ] || { known_disks=$disks; say "disks$disks"; }

  read -r _ memory _ </proc/meminfo
  [ "$memory" = "$known_memory" ] || { known_memory=$memory; say "memory-kib $memory"; }
  sleep 1
done
