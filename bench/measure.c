/* Runs a command and prints, as JSON on file descriptor 3 (or standard error), what the kernel
 * counted of it and of its ended children: wall, user and system seconds, peak memory in KiB of the
 * largest single process.
 *
 *   measure COMMAND [ARG ...] 3>figures.json
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t) { return t.tv_sec + t.tv_usec / 1e6; }

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: measure COMMAND [ARG ...]\n");
    return 2;
  }
  int out = fcntl(3, F_GETFD) == -1 ? 2 : 3;
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  pid_t pid = fork();
  if (pid < 0) {
    perror("measure: fork");
    return 1;
  }
  if (pid == 0) {
    if (out == 3) fcntl(3, F_SETFD, FD_CLOEXEC);
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    _exit(127);
  }
  int status;
  struct rusage used;
  if (wait4(pid, &status, 0, &used) < 0) {
    perror("measure: wait4");
    return 1;
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  double wall = (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 1e9;
  dprintf(out, "{\"wall\":%.6f,\"user\":%.6f,\"system\":%.6f,\"peakKiB\":%ld,\"status\":%d}\n", wall,
          seconds(used.ru_utime), seconds(used.ru_stime), used.ru_maxrss,
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
