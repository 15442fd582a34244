#!/bin/bash
# fleet-service NAME start|stop|kill|drop|wait|status: the services of a fleet host, which has no systemd.
# NAME: libvirtd, virtlogd, sshd.
name=$1
pid_file=/run/fleet/$name.pid

running() { [ -s "$pid_file" ] && kill -0 "$(cat "$pid_file")" 2>/dev/null; }

# Ready is what a client would find: a socket that takes connections.
ready() {
  case $name in
    sshd) (exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null ;;
    libvirtd) virsh -q -c qemu:///system uri >/dev/null 2>&1 ;;
    virtlogd) [ -S /run/libvirt/virtlogd-sock ] ;;
  esac
}

gone() {
  for _ in $(seq 500); do
    running || return 0
    sleep 0.02
  done
  echo "$name did not end within 10 s" >&2
  return 1
}

case $2 in
  start)
    running && exit 0
    case $name in
      sshd) setsid /usr/sbin/sshd -D -E /var/log/sshd.log </dev/null >/dev/null 2>&1 9>&- & ;;
      *) setsid "/usr/sbin/$name" </dev/null >>"/var/log/libvirt/$name.out" 2>&1 9>&- & ;;
    esac
    echo $! >"$pid_file"
    ;;
  stop) running && kill "$(cat "$pid_file")"; gone ;;
  kill) running && kill -KILL "$(cat "$pid_file")"; gone ;;
  wait)
    for _ in $(seq 1000); do
      ready && exit 0
      running || { echo "$name ended: see /var/log" >&2; exit 1; }
      sleep 0.02
    done
    echo "$name did not answer within 20 s" >&2
    exit 1
    ;;
  drop)
    # The sessions of an sshd, not its listener.
    for process in /proc/[0-9]*; do
      case $(tr '\0' ' ' 2>/dev/null <"$process/cmdline") in *listener*) ;; "sshd: "* | "sshd-session: "*) kill -KILL "${process#/proc/}" ;; esac
    done
    true
    ;;
  status) running && echo running || { echo dead; exit 3; } ;;
  *) echo "usage: fleet-service NAME start|stop|kill|drop|wait|status" >&2; exit 2 ;;
esac
