# Sourced by init: finds the NoCloud seed, tells what it holds, sets the hostname, leaves the commands
# of user-data in /run/runcmd and the network configuration, flattened, in /run/network.

mount_seed() {
  for label in cidata CIDATA; do
    device=$(findfs "LABEL=$label" 2>/dev/null) || continue
    for type in iso9660 vfat; do
      mount -r -t $type "$device" /mnt/seed 2>/dev/null && return 0
    done
  done
  return 1
}

# SCSI disks appear some time after their controller.
tries=0
until mount_seed; do
  set -- /sys/class/scsi_host/host*
  [ -e "$1" ] && [ $tries -lt 15 ] || break
  tries=$((tries + 1))
  sleep 0.1
done

seed_value() { sed -n "s/^$1=//p" | head -n 1; }

if [ -e /mnt/seed/meta-data ]; then
  awk -f /lib/guest/yaml.awk /mnt/seed/meta-data >/run/meta
  awk -f /lib/guest/yaml.awk /mnt/seed/user-data >/run/user 2>/dev/null
  [ -e /mnt/seed/network-config ] &&
    awk -f /lib/guest/yaml.awk /mnt/seed/network-config | sed 's/^network\.//' >/run/network
  name=$(seed_value hostname </run/user)
  [ -n "$name" ] || name=$(seed_value local-hostname </run/meta)
  [ -n "$name" ] && hostname "$name"
  say "instance-id=$(seed_value instance-id </run/meta)"
  {
    echo "STADDLE-GUEST user-data-begin"
    cat /mnt/seed/user-data 2>/dev/null
    # The end stands on a line of its own whether or not the file ends its last line.
    [ -n "$(tail -c 1 /mnt/seed/user-data 2>/dev/null)" ] && echo
    echo "STADDLE-GUEST user-data-end"
  } >/dev/ttyS0
  # `- text` is a line for the shell; `- [word, word]` is a command whose words are kept apart.
  awk 'function flush() { if (line != "") print line; line = ""; item = "" }
       /^runcmd\.[0-9]+=/ { flush(); sub(/^[^=]*=/, ""); print; next }
       /^runcmd\.[0-9]+\.[0-9]+=/ {
         split($0, p, /[.=]/)
         word = $0; sub(/^[^=]*=/, "", word); gsub(/\047/, "\047\042\047\042\047", word)
         if (p[2] != item) flush()
         line = line (line == "" ? "" : " ") "\047" word "\047"; item = p[2]
       }
       END { flush() }' /run/user >/run/runcmd
  umount /mnt/seed
fi
