/* What a C program needs for the same work, for comparison: the floor that libvirt itself sets.
 *
 *   libvirt_c read   URI IN_FLIGHT              lists all domains and reads the XML of each
 *   libvirt_c define URI IN_FLIGHT COUNT POOL BASE
 *                                               makes COUNT overlay volumes on BASE and a domain for each
 *   libvirt_c clean  URI IN_FLIGHT POOL PREFIX  takes both away again
 *
 * IN_FLIGHT threads share one connection; 1 is in series. Prints JSON: seconds from before the first
 * call on the open connection to after the last, and the count of objects.
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static virConnectPtr connection;
static virStoragePoolPtr pool;
static virDomainPtr *domains;
static char *base_path;
static int total;
static atomic_int next_index;
static atomic_long bytes;

static void die(const char *what) {
  virErrorPtr error = virGetLastError();
  fprintf(stderr, "%s: %s\n", what, error && error->message ? error->message : "no message");
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void read_one(int index) {
  char *xml = virDomainGetXMLDesc(domains[index], VIR_DOMAIN_XML_INACTIVE);
  if (!xml) die("virDomainGetXMLDesc");
  bytes += strlen(xml);
  free(xml);
}

static void define_one(int index) {
  char xml[4096];
  snprintf(xml, sizeof xml,
           "<volume><name>bench-c-%d.qcow2</name><capacity unit='MiB'>64</capacity>"
           "<target><format type='qcow2'/></target>"
           "<backingStore><path>%s</path><format type='raw'/></backingStore></volume>",
           index, base_path);
  virStorageVolPtr volume = virStorageVolCreateXML(pool, xml, 0);
  if (!volume) die("virStorageVolCreateXML");
  virStorageVolFree(volume);
  snprintf(xml, sizeof xml,
           "<domain type='qemu'><name>bench-c-%d</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
           "<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>"
           "<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/>"
           "<source pool='%s' volume='bench-c-%d.qcow2'/><target dev='vda' bus='virtio'/></disk>"
           "<serial type='pty'/></devices></domain>",
           index, virStoragePoolGetName(pool), index);
  virDomainPtr domain = virDomainDefineXMLFlags(connection, xml, VIR_DOMAIN_DEFINE_VALIDATE);
  if (!domain) die("virDomainDefineXMLFlags");
  char *back = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
  if (!back) die("virDomainGetXMLDesc");
  bytes += strlen(back);
  free(back);
  virDomainFree(domain);
}

static void clean_one(int index) {
  if (virDomainUndefine(domains[index]) < 0) die("virDomainUndefine");
}

static void *worker(void *work) {
  for (int index; (index = next_index++) < total;) ((void (*)(int))work)(index);
  return NULL;
}

static void run(void (*work)(int), int in_flight) {
  pthread_t threads[64];
  for (int t = 0; t < in_flight; t++) pthread_create(&threads[t], NULL, worker, (void *)work);
  for (int t = 0; t < in_flight; t++) pthread_join(threads[t], NULL);
}

static void quiet(void *data, virErrorPtr error) { (void)data, (void)error; }

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: libvirt_c read|define|clean URI IN_FLIGHT [...]\n");
    return 2;
  }
  int in_flight = atoi(argv[3]);
  if (in_flight < 1 || in_flight > 64) return 2;
  virSetErrorFunc(NULL, quiet);
  double before = now();
  connection = virConnectOpen(argv[2]);
  if (!connection) die("virConnectOpen");
  double start = now();
  if (strcmp(argv[1], "define") == 0 && argc == 7) {
    total = atoi(argv[4]);
    pool = virStoragePoolLookupByName(connection, argv[5]);
    if (!pool) die("virStoragePoolLookupByName");
    virStorageVolPtr base = virStorageVolLookupByName(pool, argv[6]);
    if (!base || !(base_path = virStorageVolGetPath(base))) die("virStorageVolLookupByName");
    run(define_one, in_flight);
  } else {
    total = virConnectListAllDomains(connection, &domains, 0);
    if (total < 0) die("virConnectListAllDomains");
    if (strcmp(argv[1], "read") == 0) {
      run(read_one, in_flight);
    } else if (strcmp(argv[1], "clean") == 0 && argc == 6) {
      int kept = 0;
      for (int i = 0; i < total; i++)
        if (!strncmp(virDomainGetName(domains[i]), argv[5], strlen(argv[5]))) domains[kept++] = domains[i];
      total = kept;
      run(clean_one, in_flight);
      virStorageVolPtr *volumes;
      pool = virStoragePoolLookupByName(connection, argv[4]);
      if (!pool) die("virStoragePoolLookupByName");
      int count = virStoragePoolListAllVolumes(pool, &volumes, 0);
      for (int i = 0; i < count; i++)
        if (!strncmp(virStorageVolGetName(volumes[i]), argv[5], strlen(argv[5])))
          virStorageVolDelete(volumes[i], 0);
    } else {
      return 2;
    }
  }
  double end = now();
  printf("{\"open\":%.6f,\"seconds\":%.6f,\"count\":%d,\"bytes\":%ld}\n", start - before, end - start,
         total, (long)bytes);
  return 0;
}
