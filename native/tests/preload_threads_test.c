/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads and signal handlers that read one descriptor: every byte goes to one of them.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "preload_support.h"

enum { THREADS = 4, PIECE = 128 << 10, PIECES = FILE_BYTES / PIECE, ROUNDS = 5 };

static struct fake_mount mnt;
static int fd;
static _Atomic int takers[PIECES];

/* Which piece of the file a buffer holds, by what its first bytes tell. */
static void taken(const uint8_t *piece) {
  uint64_t word;
  memcpy(&word, piece, 8);
  for (uint64_t i = 0; i < PIECES; i++) {
    if (word == i * PIECE * UINT64_C(0x9e3779b97f4a7c15) + 1) {
      check_bytes(piece, PIECE, i * PIECE);
      atomic_fetch_add(&takers[i], 1);
      return;
    }
  }
  CHECK(!"the piece is of the file");
}

static void each_was_taken_once(void) {
  for (int i = 0; i < PIECES; i++) {
    CHECK_EQ(atomic_exchange(&takers[i], 0), 1);
  }
}

static void *reader(void *arg) {
  (void)arg;
  uint8_t *memory = malloc(PIECE);
  CHECK(memory != NULL);
  for (ssize_t n; (n = read(fd, memory, PIECE)) != 0;) {
    CHECK_EQ(n, PIECE);
    taken(memory);
  }
  free(memory);
  return NULL;
}

static void threadsShareADescriptor(void) {
  pthread_t threads[THREADS];
  CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
  for (int i = 0; i < THREADS; i++) {
    CHECK_EQ(pthread_create(&threads[i], NULL, reader, NULL), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    CHECK_EQ(pthread_join(threads[i], NULL), 0);
  }
  each_was_taken_once();
  CHECK_EQ(mount_registrations(&mnt, NULL), 0); /* a ring goes with its thread */
}

static uint8_t handlers_piece[PIECE];
static _Atomic int handled;

static void on_alarm(int number) {
  (void)number;
  if (read(fd, handlers_piece, PIECE) == PIECE) {
    taken(handlers_piece);
    atomic_fetch_add(&handled, 1);
  }
}

static void mask_alarms(int how) {
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGVTALRM);
  CHECK_EQ(pthread_sigmask(how, &alarms, NULL), 0);
}

static void aHandlerReadsWhatItInterrupts(void) {
  struct sigaction action = {.sa_handler = on_alarm};
  struct itimerval often = {.it_interval = {.tv_usec = 2000}, .it_value = {.tv_usec = 2000}};
  struct itimerval never = {.it_value = {0}};
  CHECK_EQ(sigaction(SIGVTALRM, &action, NULL), 0);
  CHECK_EQ(setitimer(ITIMER_VIRTUAL, &often, NULL), 0);
  for (int64_t end = monotonic_ms() + 30000; atomic_load(&handled) < 20;) {
    CHECK(monotonic_ms() < end);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    /* What a handler takes counts from here to the end of the file, where there is nothing more. */
    mask_alarms(SIG_UNBLOCK);
    reader(NULL);
    mask_alarms(SIG_BLOCK);
    each_was_taken_once();
  }
  CHECK_EQ(setitimer(ITIMER_VIRTUAL, &never, NULL), 0);
}

/* A wait for the daemon goes on after a signal: read(2) of a file is not interrupted either. */
static void *sender(void *arg) {
  pthread_t *to = arg;
  for (int i = 0; i < 2000; i++) {
    pthread_kill(*to, SIGUSR1);
    usleep(50);
  }
  return NULL;
}

static void on_nothing(int number) { (void)number; }

static void aSignalInterruptsNoRead(void) {
  struct sigaction action = {.sa_handler = on_nothing}; /* no SA_RESTART */
  pthread_t thread;
  pthread_t me = pthread_self();
  CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  CHECK_EQ(pthread_create(&thread, NULL, sender, &me), 0);
  for (int i = 0; i < ROUNDS; i++) {
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    reader(NULL);
    each_was_taken_once();
  }
  pthread_join(thread, NULL);
}

static void test(void) {
  aSignalInterruptsNoRead();
  aHandlerReadsWhatItInterrupts();
}

int main(void) {
  preload_begin(&mnt, "f");
  fd = preload_open(&mnt, "f", O_RDONLY);
  for (int i = 0; i < ROUNDS; i++) {
    threadsShareADescriptor();
  }
  mask_alarms(SIG_BLOCK); /* the handler is to interrupt the reader, not us */
  CHECK_EQ(preload_run(test), 0);
  CHECK(atomic_load(&bytes_served) > FILE_BYTES);
  close(fd);
  return 0;
}
