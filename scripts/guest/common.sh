# Sourced by the guest's scripts.

# One line, one write: lines of several processes do not mix.
say() { printf 'STADDLE-GUEST %s\n' "$*" >/dev/ttyS0; }

# Every NIC that has a carrier has an address.
leases_complete() {
  for nic in /sys/class/net/*; do
    nic=${nic##*/}
    [ "$nic" = lo ] && continue
    read -r carrier <"/sys/class/net/$nic/carrier" || carrier=1
    [ "$carrier" = 1 ] && [ ! -e "/run/address.$nic" ] && return 1
  done 2>/dev/null
  return 0
}
