#!/bin/busybox sh
# What udhcpc calls with what it learnt. Addresses and routes that already stand are left standing.
. /lib/guest/common.sh
case $1 in
  deconfig)
    ip addr flush dev "$interface" scope global
    ip link set "$interface" up
    rm -f "/run/address.$interface"
    ;;
  bound | renew)
    ip addr show dev "$interface" | grep -q " $ip/" || {
      ip addr flush dev "$interface" scope global
      ip addr add "$ip/${mask:-24}" dev "$interface"
    }
    [ -n "$mtu" ] && ip link set "$interface" mtu "$mtu"
    for gateway in $router; do ip route replace default via "$gateway" dev "$interface"; done
    # shellcheck disable=SC2086
    set -- $staticroutes
    while [ $# -ge 2 ]; do
      ip route replace "$1" via "$2" dev "$interface"
      shift 2
    done
    [ -n "$dns" ] && for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
    [ "$(cat "/run/address.$interface" 2>/dev/null)" = "$ip" ] || {
      echo "$ip" >"/run/address.$interface"
      say "lease $interface $(cat "/sys/class/net/$interface/address") $ip"
    }
    ;;
esac
