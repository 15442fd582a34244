# Sourced by the scripts: where the repository is, messages, and how to become root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Debian keeps the daemons and ip in sbin, which is not in everybody's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Runs a command as root: as it is for root, through sudo for anybody else.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    die "$1 needs root: run this as root, or install sudo"
  fi
}

package_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# The package lists are fetched once a machine; a list that is there is used as it is.
apt_lists() {
  local lists=(/var/lib/apt/lists/*_Packages*)
  [ -e "${lists[0]}" ] && return
  say "setup: fetching the package lists (apt-get update)"
  as_root apt-get update -q >&2
}

apt_install() {
  apt_lists
  say "setup: installing $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2 && return
  say "setup: that failed; the package lists may be old: fetching them"
  as_root apt-get update -q >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" >&2
}
