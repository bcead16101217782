// The compiled launcher: one small process per node that starts the node's tasks, so that they outlive the agent and are never
// forked from a large heap. Linux and libc only. It queues orders, starts each in its own session as slots become free, and writes
// an exit record to its journal before reporting it. It knows nothing of jobs, retries or files; protocol.ts describes the frames.
//
//   launcher DIRECTORY [--lease SECONDS]     goes into the background once it listens; status 3: another one serves DIRECTORY
//
// Journal lines (the id comes last, it may hold spaces):
//   B boot-id                              first line: pids of another boot mean nothing
//   S pid start-ticks started-ms id        written by the new process itself, just before exec
//   X pid started ended code signal errno stage usage*7 id        L pid started id (lost)        A id (acknowledged)
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { longest_frame = 16 << 20, longest_id = 200, longest_backlog = 64 << 20, bucket_count = 4096, report_fields = 14 };
enum state { QUEUED, RUNNING, DONE, GONE };

struct attempt {
  struct attempt *prev, *next, *chain; // neighbours in its list; next in its hash bucket
  enum state state;
  int slots, hold, acknowledged;
  char *order; // the frame it came in; the pointers below point into it
  char *cwd, *out, *err, **argv, **envp;
  long uid, gid; // -1: stay who we are
  pid_t pid;
  long long ticks, started;
  char *report; // the 14 fields of an exit record, separated by spaces
  char id[longest_id + 1];
};
struct list { struct attempt *first, *last; };
struct buffer { char *data; size_t length, capacity; };

static struct list queue, running, ended;
static struct attempt *buckets[bucket_count];
static int slots_total, slots_used;
static int agent = -1, journal = -1, lock = -1;
static struct buffer in, out, pending; // from the agent; to the agent; journal lines not written yet
static int journal_stuck, journal_torn;
static size_t journal_size, journal_floor; // bytes now, and after the last rewrite
static enum { SERVE, DRAIN, STOP } ending;
static pid_t self;
static volatile int failed_errno; // written by the child: vfork shares our memory
static const char *volatile failed_stage;

static void die(const char *what) { fprintf(stderr, "launcher: %s: %s\n", what, strerror(errno)); exit(1); }
static void *need(void *p) { if (!p) abort(); return p; }
static long long wall_ms(void) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); return t.tv_sec * 1000LL + t.tv_nsec / 1000000; }
static long long boot_ticks(void) {
  struct timespec t;
  long hz = sysconf(_SC_CLK_TCK);
  clock_gettime(CLOCK_BOOTTIME, &t);
  return t.tv_sec * (long long)hz + t.tv_nsec / (1000000000 / hz);
}

static void append(struct buffer *b, const void *bytes, size_t n) {
  if (b->length + n > b->capacity) b->data = need(realloc(b->data, b->capacity = (b->length + n) * 2 + 4096));
  memcpy(b->data + b->length, bytes, n);
  b->length += n;
}
static void consume(struct buffer *b, size_t n) {
  memmove(b->data, b->data + n, b->length -= n);
  if (b->length == 0 && b->capacity > 1 << 20) free(b->data), *b = (struct buffer){0};
}
static void appendf(struct buffer *b, const char *format, ...) {
  char text[1024];
  va_list values;
  va_start(values, format);
  int n = vsnprintf(text, sizeof text, format, values);
  va_end(values);
  append(b, text, n);
}

// --- attempts: found by id, kept in one of three lists ---------------------------------------------------------------------
static struct attempt **bucket_of(const char *id) {
  unsigned h = 2166136261u;
  while (*id) h = (h ^ (unsigned char)*id++) * 16777619u;
  return &buckets[h % bucket_count];
}
static struct attempt *find(const char *id) {
  struct attempt *a = *bucket_of(id);
  while (a && strcmp(a->id, id)) a = a->chain;
  return a;
}
static struct list *list_of(struct attempt *a) { return a->state == QUEUED ? &queue : a->state == RUNNING ? &running : &ended; }
static void link_last(struct attempt *a) {
  struct list *l = list_of(a);
  a->prev = l->last, a->next = NULL;
  *(l->last ? &l->last->next : &l->first) = a;
  l->last = a;
}
static void unlink_from_list(struct attempt *a) {
  struct list *l = list_of(a);
  *(a->prev ? &a->prev->next : &l->first) = a->next;
  *(a->next ? &a->next->prev : &l->last) = a->prev;
}
static void move_to(struct attempt *a, enum state state) { unlink_from_list(a); a->state = state; link_last(a); }
static struct attempt *create(const char *id, enum state state) {
  struct attempt *a = need(calloc(1, sizeof *a)), **bucket = bucket_of(id);
  strcpy(a->id, id);
  a->state = state, a->chain = *bucket, *bucket = a;
  link_last(a);
  return a;
}
static void drop_order(struct attempt *a) { free(a->order), free(a->argv), a->order = NULL, a->argv = NULL; }
static void forget(struct attempt *a) {
  struct attempt **p = bucket_of(a->id);
  while (*p != a) p = &(*p)->chain;
  *p = a->chain;
  unlink_from_list(a);
  drop_order(a), free(a->report), free(a);
}

// --- reports to the agent: only buffered here, sent after the journal is written --------------------------------------------
static void report_frame(const char *verb, const struct attempt *a, const char *rest) {
  if (agent < 0) return;
  size_t rest_size = strlen(rest) + (*rest != 0), id_size = a ? strlen(a->id) + 1 : 0, verb_size = strlen(verb) + 1;
  unsigned length = verb_size + id_size + rest_size;
  append(&out, &length, 4), append(&out, verb, verb_size);
  if (a) append(&out, a->id, id_size);
  append(&out, rest, rest_size);
  for (char *end = out.data + out.length, *p = end - rest_size; p < end; p++) if (*p == ' ') *p = 0;
}
static void report_task(const char *verb, const struct attempt *a) {
  char text[64];
  snprintf(text, sizeof text, "%d %lld", a->pid, a->started);
  report_frame(verb, a, text);
}
static void report_state(void) {
  char text[64];
  snprintf(text, sizeof text, "1 %d", self);
  report_frame("hello", NULL, text);
  for (struct attempt *a = running.first; a; a = a->next) report_task("running", a);
  for (struct attempt *a = queue.first; a; a = a->next) report_frame("queued", a, "");
  for (struct attempt *a = ended.first; a; a = a->next) {
    if (a->acknowledged) continue;
    if (a->state == GONE) report_task("gone", a); else report_frame("exited", a, a->report);
  }
  report_frame("ready", NULL, "");
}

// --- journal ---------------------------------------------------------------------------------------------------------------
static void read_boot_id(char *text, size_t size) {
  int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
  if (fd >= 0) close(fd);
  text[n > 0 ? n : 0] = 0;
  text[strcspn(text, "\n")] = 0;
}
static void journal_state(struct buffer *b) {
  char boot[64];
  read_boot_id(boot, sizeof boot);
  appendf(b, "B %s\n", boot);
  for (struct attempt *a = running.first; a; a = a->next) appendf(b, "S %d %lld %lld %s\n", a->pid, a->ticks, a->started, a->id);
  for (struct attempt *a = ended.first; a; a = a->next) {
    if (a->acknowledged) continue;
    if (a->state == GONE) appendf(b, "L %d %lld %s\n", a->pid, a->started, a->id); else appendf(b, "X %s %s\n", a->report, a->id);
  }
}
// Replaces the journal by what still matters. On failure the old one stays in use.
static int rewrite_journal(void) {
  struct buffer b = {0};
  journal_state(&b);
  int fd = open("journal.new", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  int ok = fd >= 0 && write(fd, b.data, b.length) == (ssize_t)b.length && rename("journal.new", "journal") == 0;
  if (ok) {
    if (journal >= 0) close(journal);
    journal = fd, journal_torn = 0, journal_size = journal_floor = b.length;
  } else if (fd >= 0) close(fd);
  free(b.data);
  return ok;
}
// One write for all that a wake-up brought. While it fails (disk full) nothing is reported and nothing is started.
static void write_journal(void) {
  journal_stuck = 0;
  if (pending.length && journal_torn) journal_torn = write(journal, "\n", 1) != 1;
  if (pending.length && !journal_torn) {
    ssize_t n = write(journal, pending.data, pending.length);
    if (n > 0) journal_size += n, consume(&pending, n);
  }
  journal_stuck = pending.length > 0;
  if (!journal_stuck && journal_size > 2 * journal_floor + (64 << 10) && !rewrite_journal()) journal_floor = journal_size;
}

// --- starting: everything in become() runs in the vforked child, on our memory -----------------------------------------------
static _Noreturn void fail(const char *stage) { failed_errno = errno, failed_stage = stage; _exit(127); }
static int open_output(const char *path) {
  struct stat s;
  // O_NONBLOCK: a pipe in the place of the file must not stop the launcher.
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
  if (fd < 0 || fstat(fd, &s) < 0) fail("open");
  if (!S_ISREG(s.st_mode) && !S_ISCHR(s.st_mode)) { errno = EINVAL; fail("open"); }
  fcntl(fd, F_SETFL, 0);
  return fd;
}
static __attribute__((noinline)) _Noreturn void become(struct attempt *a) {
  char line[longest_id + 100];
  sigset_t none;
  if (setsid() < 0) fail("session");
  if (a->gid >= 0 && (setgroups(0, NULL) < 0 || syscall(SYS_setresgid, a->gid, a->gid, a->gid) < 0)) fail("user");
  if (a->uid >= 0 && syscall(SYS_setresuid, a->uid, a->uid, a->uid) < 0) fail("user");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != self) { errno = ESRCH; fail("session"); }
  if (chdir(a->cwd) < 0) fail("chdir");
  int one = open_output(a->out), two = strcmp(a->out, a->err) ? open_output(a->err) : one;
  if (dup2(one, 1) < 0 || dup2(two, 2) < 0) fail("open");
  int n = snprintf(line, sizeof line, "S %d %lld %lld %s\n", getpid(), a->ticks, a->started, a->id);
  ssize_t written = write(journal, line, n);
  if (written > 0) journal_size += written, journal_torn = written != n;
  if (written != n) { if (written >= 0) errno = ENOSPC; fail("journal"); }
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execve(a->argv[0], a->argv, a->envp);
  fail("exec");
}
static __attribute__((noinline)) pid_t start_process(struct attempt *a) {
  pid_t pid = vfork();
  if (pid == 0) become(a);
  return pid;
}

static void free_slots(struct attempt *a) { slots_used -= a->slots, a->slots = 0; }
static void finish(struct attempt *a, const char *text) {
  a->report = need(strdup(text));
  appendf(&pending, "X %s %s\n", text, a->id);
  report_frame("exited", a, text);
  if (a->state == QUEUED) a->slots = a->hold = 0; else if (!a->hold) free_slots(a);
  drop_order(a);
  move_to(a, DONE);
}
static void finish_without_process(struct attempt *a, int signal_number, int error, const char *stage) {
  char text[200], what[12] = "-";
  if (signal_number) snprintf(what, sizeof what, "%d", signal_number);
  snprintf(text, sizeof text, "0 0 %lld - %s %d %s - - - - - - -", wall_ms(), what, error, stage);
  finish(a, text);
}
static void finish_process(struct attempt *a, int status, const struct rusage *u, int error, const char *stage) {
  char text[400], code[12] = "-", signal_number[12] = "-";
  if (!error && WIFEXITED(status)) snprintf(code, sizeof code, "%d", WEXITSTATUS(status));
  if (!error && WIFSIGNALED(status)) snprintf(signal_number, sizeof signal_number, "%d", WTERMSIG(status));
  snprintf(text, sizeof text, "%d %lld %lld %s %s %d %s %lld %lld %ld %ld %ld %ld %ld", a->pid, a->started, wall_ms(), code, signal_number, error, stage,
           u->ru_utime.tv_sec * 1000LL + u->ru_utime.tv_usec / 1000, u->ru_stime.tv_sec * 1000LL + u->ru_stime.tv_usec / 1000, u->ru_maxrss,
           u->ru_inblock, u->ru_oublock, u->ru_nvcsw, u->ru_nivcsw);
  finish(a, text);
}
static void start(struct attempt *a) {
  int status;
  struct rusage usage;
  failed_stage = NULL, a->ticks = boot_ticks(), a->started = wall_ms();
  pid_t pid = start_process(a);
  if (pid < 0) { finish_without_process(a, 0, errno, "fork"); return; }
  slots_used += a->slots, a->pid = pid;
  move_to(a, RUNNING);
  if (!failed_stage) { report_task("started", a); drop_order(a); return; }
  wait4(pid, &status, 0, &usage);
  finish_process(a, status, &usage, failed_errno, failed_stage);
}
// Strictly in order: a wide order waits for its slots and everything behind it waits too.
static void start_queued(void) {
  while (queue.first && !journal_stuck && ending != STOP && queue.first->slots <= slots_total - slots_used) start(queue.first);
}
static void reap(void) {
  for (;;) {
    siginfo_t info = {0};
    int status;
    struct rusage usage;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return;
    kill(-info.si_pid, SIGKILL); // what it left in its group; the number cannot be reused while the zombie is there
    wait4(info.si_pid, &status, 0, &usage);
    struct attempt *a = running.first;
    while (a && a->pid != info.si_pid) a = a->next;
    if (a) finish_process(a, status, &usage, 0, "-");
  }
}

// --- after the death of an earlier launcher ---------------------------------------------------------------------------------
// Living members of a process group; -1 when the number now belongs to somebody else.
static int group_members(pid_t group, long long ticks) {
  int members = 0;
  DIR *proc = opendir("/proc");
  for (struct dirent *e; proc && (e = readdir(proc));) {
    char path[300], text[1024], state;
    int pgrp, fd;
    unsigned long long since;
    if (*e->d_name < '1' || *e->d_name > '9') continue;
    snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) continue;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    char *p = strrchr(text, ')'); // the name before it may hold anything
    if (!p || sscanf(p + 1, " %c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state, &pgrp, &since) != 3) continue;
    long long late = (long long)since - ticks; // the recorded time was taken just before the start
    if (atoi(e->d_name) == group && (late < -1 || late > 200)) { closedir(proc); return -1; }
    if (pgrp == group && state != 'Z' && state != 'X') members++;
  }
  if (proc) closedir(proc);
  return members;
}
static void end_group(pid_t group, long long ticks) {
  for (int tries = 0; group > 1 && tries < 400 && group_members(group, ticks) > 0; tries++) {
    kill(-group, SIGKILL);
    poll(NULL, 0, 2); // dying takes a moment, and these are not our children
  }
}
static void read_line(char *line, int *same_boot) {
  char boot[64];
  int pid, at = 0;
  long long ticks, started;
  struct attempt *a;
  if (line[0] == 'B') { read_boot_id(boot, sizeof boot); *same_boot = !strcmp(line + 2, boot); return; }
  if (line[0] == 'A' && line[1] == ' ') { if ((a = find(line + 2))) forget(a); return; }
  if (line[0] == 'S' && sscanf(line, "S %d %lld %lld %n", &pid, &ticks, &started, &at) == 3 && at) {
    if (strlen(line + at) > longest_id || find(line + at)) return;
    a = create(line + at, RUNNING);
    a->pid = pid, a->ticks = ticks, a->started = started;
  } else if (line[0] == 'L' && sscanf(line, "L %d %lld %n", &pid, &started, &at) == 2 && at) {
    if (strlen(line + at) > longest_id || find(line + at)) return;
    a = create(line + at, GONE);
    a->pid = pid, a->started = started;
  } else if (line[0] == 'X' && line[1] == ' ') {
    char *id = line + 2;
    for (int i = 0; i < report_fields; i++) if ((id = strchr(id, ' '))) id++; else return;
    if (strlen(id) > longest_id) return;
    id[-1] = 0;
    if ((a = find(id))) { if (a->state != RUNNING) return; move_to(a, DONE); } else a = create(id, DONE);
    a->report = need(strdup(line + 2));
  }
}
static void recover(void) {
  int same_boot = 0;
  char *line = NULL;
  size_t size = 0;
  FILE *file = fopen("journal", "re");
  for (ssize_t n; file && (n = getline(&line, &size, file)) > 0;) if (line[n - 1] == '\n') line[n - 1] = 0, read_line(line, &same_boot);
  if (file) fclose(file);
  free(line);
  for (struct attempt *a; (a = running.first);) {
    if (same_boot) end_group(a->pid, a->ticks);
    move_to(a, GONE);
  }
}

// --- what the agent asks ------------------------------------------------------------------------------------------------------
static int number(const char *text, long least, long *value) {
  char *end;
  errno = 0;
  *value = strtol(text, &end, 10);
  return *text && !*end && !errno && *value >= least && *value <= 0x7fffffff;
}
static int identifier(const char *user, long *value) { return strcmp(user, "-") ? number(user, 0, value) : (*value = -1, 1); }
// run id slots hold uid gid cwd out err argc argv... env...; takes over `order`, whose fields are `f`
static int take_order(char *order, char **f, int count) {
  long slots, argc, uid, gid;
  if (count < 11 || !*f[1] || strlen(f[1]) > longest_id || strchr(f[1], '\n') || !number(f[2], 1, &slots) || !identifier(f[4], &uid) ||
      !identifier(f[5], &gid) || !number(f[9], 1, &argc) || argc > count - 10) return 0;
  if (ending != SERVE || find(f[1])) { free(order), free(f); return 1; } // sent again: it has it already
  struct attempt *a = create(f[1], QUEUED);
  a->order = order, a->slots = slots, a->hold = *f[3] == '1', a->uid = uid, a->gid = gid, a->cwd = f[6], a->out = f[7], a->err = f[8];
  // argv must end with NULL before env begins: move it one place down, over the count.
  memmove(f + 9, f + 10, argc * sizeof *f);
  f[9 + argc] = NULL, a->envp = f + 10 + argc;
  memmove(f, f + 9, (count - 8) * sizeof *f); // env's own NULL is f[count]
  a->envp -= 9, a->argv = f;
  return 1;
}
static void signal_attempt(struct attempt *a, long signal_number) {
  if (a->state == RUNNING) kill(-a->pid, signal_number);
  else if (a->state == QUEUED) finish_without_process(a, signal_number, 0, "-");
}
static void take_back(char **ids) {
  struct buffer taken = {0};
  append(&taken, "withdrawn", 10), append(&taken, *ids, strlen(*ids) + 1);
  while (*++ids) {
    struct attempt *a = find(*ids);
    if (!a || a->state != QUEUED) continue;
    append(&taken, a->id, strlen(a->id) + 1);
    forget(a);
  }
  unsigned length = taken.length;
  append(&out, &length, 4), append(&out, taken.data, taken.length);
  free(taken.data);
}
static void release(struct attempt *a) {
  a->hold = 0;
  if (a->state == DONE) { free_slots(a); if (a->acknowledged) forget(a); }
}
static void acknowledge(struct attempt *a) {
  if (a->state < DONE || a->acknowledged) return;
  a->acknowledged = 1;
  appendf(&pending, "A %s\n", a->id);
  if (!a->hold) forget(a);
}
static void stop_all(void) {
  ending = STOP;
  while (queue.first) forget(queue.first);
  for (struct attempt *a = running.first; a; a = a->next) kill(-a->pid, SIGKILL);
}
// Takes over `order` (NUL-ended fields). 0: not a frame of this protocol.
static int obey(char *order, size_t length) {
  int count = 0, ok = 1;
  long value;
  if (length == 0 || order[length - 1]) return free(order), 0;
  for (size_t i = 0; i < length; i++) count += !order[i];
  char **f = need(malloc((count + 1) * sizeof *f));
  for (size_t i = 0, n = 0; i < length; i += strlen(order + i) + 1) f[n++] = order + i;
  f[count] = NULL;
  struct attempt *a = count > 1 ? find(f[1]) : NULL;
  if (!strcmp(f[0], "run")) { if (take_order(order, f, count)) return 1; ok = 0; }
  else if (!strcmp(f[0], "acknowledge")) { for (int i = 1; i < count; i++) if ((a = find(f[i]))) acknowledge(a); }
  else if (!strcmp(f[0], "release")) { if (a) release(a); }
  else if (!strcmp(f[0], "kill") && count == 3 && number(f[2], 1, &value) && value <= 64) { if (a) signal_attempt(a, value); }
  else if (!strcmp(f[0], "withdraw") && count > 1) take_back(f + 1);
  else if (!strcmp(f[0], "slots") && count == 2 && number(f[1], 0, &value)) slots_total = value;
  else if (!strcmp(f[0], "end") && count == 2) { if (*f[1] == '1') stop_all(); else if (ending == SERVE) ending = DRAIN; }
  else ok = 0;
  free(order), free(f);
  return ok;
}

// --- the connection -----------------------------------------------------------------------------------------------------------
static void hang_up(void) {
  if (agent >= 0) close(agent);
  agent = -1, in.length = out.length = 0;
}
static void refuse(const char *reason) {
  char text[100];
  unsigned length = 7 + strlen(reason);
  memcpy(text, &length, 4), snprintf(text + 4, sizeof text - 4, "error%c%s", 0, reason);
  send(agent, text, length + 4, MSG_NOSIGNAL | MSG_DONTWAIT);
  hang_up();
}
static void listen_to_agent(void) {
  static char chunk[256 << 10];
  ssize_t n = recv(agent, chunk, sizeof chunk, MSG_DONTWAIT);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) hang_up();
  if (n <= 0) return;
  append(&in, chunk, n);
  size_t at = 0;
  for (unsigned length; in.length - at >= 4; at += 4 + length) {
    memcpy(&length, in.data + at, 4);
    if (length > longest_frame) { refuse("a frame is too long"); return; }
    if (in.length - at - 4 < length) break;
    char *order = need(malloc(length + 1));
    memcpy(order, in.data + at + 4, length);
    if (!obey(order, length)) { refuse("a frame makes no sense"); return; }
  }
  consume(&in, at);
}
static void send_reports(void) {
  if (agent < 0 || out.length == 0 || journal_stuck) return;
  ssize_t n = send(agent, out.data, out.length, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n > 0) consume(&out, n);
  if ((n < 0 && errno != EAGAIN && errno != EINTR) || out.length > longest_backlog) hang_up();
}
static void welcome(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) return;
  hang_up(); // the newest agent wins; half a frame of the old one goes with it
  agent = fd;
  report_state();
}

// --- life -------------------------------------------------------------------------------------------------------------------
// The lock file holds a byte while its owner listens; an owner that is being born or is ending is waited for.
static void lock_directory(void) {
  struct stat s;
  lock = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) die("lock");
  for (int tries = 0; flock(lock, LOCK_EX | LOCK_NB) < 0; tries++) {
    if (fstat(lock, &s) == 0 && s.st_size > 0) exit(3);
    if (tries == 500) die("the directory stays locked");
    poll(NULL, 0, 10);
  }
  if (ftruncate(lock, 0) < 0) die("lock");
}
static void set_up(const char *directory, int *listener, int *signals) {
  struct stat s;
  sigset_t mask;
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"}; // relative: sun_path holds 108 bytes
  for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL); // tasks inherit these
  for (int fd = 0; fd < 3; fd++) if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) die("/dev/null");
  if (syscall(SYS_close_range, 3, ~0u, 0) < 0) for (int fd = 3; fd < 4096; fd++) close(fd);
  umask(022);
  if (chdir(directory) < 0 || stat(".", &s) < 0) die(directory);
  if (s.st_uid != geteuid() || s.st_mode & 077) { errno = EPERM; die("the directory must be ours alone (mode 0700)"); }
  lock_directory();
  recover();
  if (!rewrite_journal()) die("journal");
  *listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  unlink("socket");
  if (bind(*listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(*listener, 8) < 0) die("socket");
  if (write(lock, "1", 1) != 1) die("lock");
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD), sigaddset(&mask, SIGTERM), sigaddset(&mask, SIGINT), sigaddset(&mask, SIGHUP);
  sigprocmask(SIG_SETMASK, &mask, NULL);
  *signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}
static void go_into_background(void) {
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid) _exit(0);
  setsid();
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  close(null);
  self = getpid();
}
static void read_signals(int signals) {
  struct signalfd_siginfo info;
  while (read(signals, &info, sizeof info) == sizeof info) if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) stop_all();
  reap();
}
// Nobody could reach us any more: our socket, or the whole directory, was removed. Looked at now and then instead of watched: a user has only
// 128 inotify instances, and a machine may have more nodes.
enum { LOOK_MS = 5000 };
static void check_socket(void) {
  if (access("socket", F_OK) < 0) stop_all();
}
static int idle(void) { return !running.first && !queue.first; }

int main(int argc, char **argv) {
  int listener, signals;
  long lease = 0, alone_ms = 0; // how long it has been idle without an agent, in whole looks
  if (argc != 2 && !(argc == 4 && !strcmp(argv[2], "--lease") && number(argv[3], 1, &lease) && lease < 1000000)) {
    fprintf(stderr, "usage: launcher DIRECTORY [--lease SECONDS]\n");
    return 2;
  }
  set_up(argv[1], &listener, &signals);
  go_into_background();
  while (ending == SERVE || !idle()) {
    struct pollfd ready[] = {{signals, POLLIN, 0}, {listener, POLLIN, 0}, {agent, POLLIN | (out.length && !journal_stuck ? POLLOUT : 0), 0}};
    int leased = lease && agent < 0 && idle(), wait = journal_stuck ? 1000 : LOOK_MS;
    if (leased && lease * 1000 - alone_ms < wait) wait = lease * 1000 - alone_ms;
    int woken = poll(ready, 3, wait);
    if (woken == 0) check_socket();
    alone_ms = woken == 0 && leased && !journal_stuck ? alone_ms + wait : 0;
    if (leased && alone_ms >= lease * 1000) ending = DRAIN;
    if (woken < 0) continue;
    if (ready[0].revents) read_signals(signals);
    if (ready[2].revents & (POLLIN | POLLHUP | POLLERR)) listen_to_agent();
    if (ready[1].revents) welcome(listener);
    start_queued();
    write_journal();
    send_reports();
  }
  if (ftruncate(lock, 0) < 0) {} // a successor waits from here on
  unlink("socket");
  struct pollfd last = {agent, POLLOUT, 0};
  while (agent >= 0 && out.length && !journal_stuck && poll(&last, 1, 1000) == 1) send_reports();
  return 0;
}
