/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A host in C, against the contract only: loads a plugin and works with a volume
 * that is there already. Prints what went wrong and exits 1, or exits 0.
 *
 * usage: abi_host PLUGIN META-URL */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mdp/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const mdp_ops *ops;
static mdp_volume *volume;
static unsigned long lines, deleted, checks;

#define CHECK(what)                                                       \
  do {                                                                    \
    ++checks;                                                             \
    if (!(what)) {                                                        \
      fprintf(stderr, "abi_host.c:%d: not so: %s\n", __LINE__, #what);    \
      exit(1);                                                            \
    }                                                                     \
  } while (0)

/* -errno as its own number, so that a message shows it */
#define GIVES(want, call)                                                          \
  do {                                                                             \
    const int got_ = (call);                                                       \
    ++checks;                                                                      \
    if (got_ != (want)) {                                                          \
      fprintf(stderr, "abi_host.c:%d: %s gives %d (%s), not %d\n", __LINE__, #call, \
              got_, strerror(-got_), (want));                                      \
      exit(1);                                                                     \
    }                                                                              \
  } while (0)

static void on_log(void *ctx, int level, const char *text, size_t len) {
  (void)ctx;
  ++lines;
  if (level >= MDP_LOG_ERROR) fprintf(stderr, "plugin: %.*s\n", (int)len, text);
}
static void on_inode(void *ctx, uint64_t ino, uint32_t what) { (void)ctx, (void)ino, (void)what; }
static void on_entry(void *ctx, uint64_t parent, const char *name, size_t len) {
  (void)ctx, (void)parent, (void)name, (void)len;
}
static void on_all(void *ctx) { (void)ctx; }
static int on_barrier(void *ctx, uint32_t timeout_ms) {
  (void)ctx, (void)timeout_ms;
  return 0;
}
static int on_delete(void *ctx, uint64_t id, uint32_t size) {
  (void)ctx, (void)id, (void)size;
  ++deleted;
  return 0;
}
static int on_durable(void *ctx, uint64_t id, uint32_t size) {
  (void)ctx, (void)id, (void)size;
  return 1;
}

static const mdp_host host = {
    .struct_size = sizeof(mdp_host),
    .abi_major = MDP_ABI_MAJOR,
    .abi_minor = MDP_ABI_MINOR,
    .log = on_log,
    .invalidate_inode = on_inode,
    .invalidate_entry = on_entry,
    .invalidate_all = on_all,
    .invalidate_barrier = on_barrier,
    .delete_slice = on_delete,
    .slice_is_durable = on_durable,
};

static const mdp_caller who = {.struct_size = sizeof(mdp_caller), .uid = 7, .gid = 8, .umask = 022};

#define NAME(text) text, sizeof(text) - 1

static uint64_t work_on_names(void) {
  mdp_entry dir, file, found;
  GIVES(0, ops->mkdir(volume, &who, MDP_ROOT_INO, NAME("dir"), 0777, &dir));
  CHECK(S_ISDIR(dir.attr.mode) && (dir.attr.mode & 07777) == 0755);
  CHECK(dir.attr.uid == 7 && dir.attr.nlink == 2);
  GIVES(-EEXIST, ops->mkdir(volume, &who, MDP_ROOT_INO, NAME("dir"), 0777, &dir));
  GIVES(0, ops->mknod(volume, &who, dir.attr.ino, NAME("fifo"), S_IFIFO | 0600, 0, &file));
  GIVES(0, ops->lookup(volume, &who, dir.attr.ino, NAME("fifo"), &found));
  CHECK(found.attr.ino == file.attr.ino && S_ISFIFO(found.attr.mode));
  GIVES(-ENOTEMPTY, ops->rmdir(volume, &who, MDP_ROOT_INO, NAME("dir")));

  const int rc = ops->lookup(volume, &who, dir.attr.ino, NAME("none"), &found);
  CHECK(rc == -ENOENT || (rc == 0 && found.attr.ino == 0));

  char target[64];
  size_t len = 0;
  GIVES(0, ops->symlink(volume, &who, dir.attr.ino, NAME("sym"), NAME("to/there"), &found));
  GIVES(-ERANGE, ops->readlink(volume, &who, found.attr.ino, target, 3, &len));
  GIVES(0, ops->readlink(volume, &who, found.attr.ino, target, sizeof target, &len));
  CHECK(len == 8 && memcmp(target, "to/there", 8) == 0);

  GIVES(0, ops->rename(volume, &who, dir.attr.ino, NAME("fifo"), dir.attr.ino, NAME("\xff\n"), 1));
  GIVES(-EEXIST,
        ops->rename(volume, &who, dir.attr.ino, NAME("sym"), dir.attr.ino, NAME("\xff\n"), 1));
  GIVES(0, ops->link(volume, &who, file.attr.ino, dir.attr.ino, NAME("hard"), &found));
  CHECK(found.attr.nlink == 2);
  return dir.attr.ino;
}

/* All names, two at a time. */
static void list(uint64_t ino, unsigned expected, int plus) {
  mdp_dir *dir;
  mdp_dirent page[2];
  char names[2 * MDP_NAME_MAX];
  uint64_t cookie = 0;
  unsigned seen = 0;
  size_t count = 0;
  GIVES(0, ops->opendir(volume, &who, ino, &dir));
  do {
    GIVES(0, (plus ? ops->readdirplus : ops->readdir)(volume, dir, cookie, page, 2, names,
                                                      sizeof names, &count));
    CHECK(count <= 2);
    for (size_t i = 0; i < count; ++i) {
      CHECK(page[i].ino != 0 && page[i].name_len > 0);
      if (plus) CHECK(page[i].have_entry && page[i].entry.attr.ino == page[i].ino);
      cookie = page[i].cookie;
      ++seen;
    }
  } while (count);
  CHECK(seen == expected);
  ops->closedir(volume, dir);
}

static void work_on_attributes(uint64_t ino) {
  mdp_entry entry;
  mdp_setattr set = {.struct_size = sizeof set,
                     .set = MDP_SET_MODE | MDP_SET_MTIME,
                     .mode = 0700,
                     .mtime = -5,
                     .mtime_nsec = 999999999};
  const mdp_caller root = {.struct_size = sizeof root};
  GIVES(0, ops->setattr(volume, &root, ino, &set, &entry));
  GIVES(0, ops->getattr(volume, &who, ino, &entry));
  CHECK((entry.attr.mode & 07777) == 0700);
  CHECK(entry.attr.mtime == -5 && entry.attr.mtime_nsec == 999999999);
  GIVES(-ENOENT, ops->getattr(volume, &who, UINT64_C(1) << 50, &entry));

  char value[16];
  size_t size = 0;
  GIVES(0, ops->setxattr(volume, &who, ino, NAME("user.a"), "\0bytes", 6, 1));
  GIVES(-EEXIST, ops->setxattr(volume, &who, ino, NAME("user.a"), "x", 1, 1));
  GIVES(0, ops->getxattr(volume, &who, ino, NAME("user.a"), value, 0, &size));
  CHECK(size == 6);
  GIVES(-ERANGE, ops->getxattr(volume, &who, ino, NAME("user.a"), value, 2, &size));
  GIVES(0, ops->getxattr(volume, &who, ino, NAME("user.a"), value, sizeof value, &size));
  CHECK(size == 6 && memcmp(value, "\0bytes", 6) == 0);
  GIVES(0, ops->listxattr(volume, &who, ino, value, sizeof value, &size));
  CHECK(size == 7 && strcmp(value, "user.a") == 0);
  GIVES(0, ops->removexattr(volume, &who, ino, NAME("user.a")));
  GIVES(-ENODATA, ops->removexattr(volume, &who, ino, NAME("user.a")));
}

static void work_on_a_file(uint64_t dir) {
  mdp_entry file;
  mdp_open_reply opened, again;
  mdp_attr attr;
  GIVES(0, ops->create(volume, &who, dir, NAME("file"), 0644, O_RDWR, &file, &opened));
  const uint64_t ino = file.attr.ino;
  CHECK(S_ISREG(file.attr.mode) && opened.attr.length == 0);

  mdp_slice_write write = {.struct_size = sizeof write, .chunk = 1, .mtime = 1234};
  GIVES(0, ops->new_slice(volume, &write.slice.id));
  write.slice.pos = 100;
  write.slice.size = write.slice.len = 50;
  GIVES(0, ops->write_slice(volume, &who, ino, &write, &attr));
  CHECK(attr.length == MDP_CHUNK_BYTES + 150 && attr.mtime == 1234);

  mdp_slice pieces[4];
  size_t count = 0;
  uint32_t records = 0;
  GIVES(0, ops->read_slices(volume, &who, ino, 1, 0, pieces, 4, &count, &records));
  CHECK(count == 2 && records == 1);
  CHECK(pieces[0].id == 0 && pieces[0].pos == 0 && pieces[0].len == 100);
  CHECK(pieces[1].id == write.slice.id && pieces[1].pos == 100 && pieces[1].len == 50);
  GIVES(-ERANGE, ops->read_slices(volume, &who, ino, 1, 0, pieces, 1, &count, &records));
  GIVES(0, ops->read_slices(volume, &who, ino, 0, 0, pieces, 4, &count, &records));
  CHECK(count == 0 && records == 0);

  uint64_t copied = 0;
  GIVES(0, ops->copy_file_range(volume, &who, ino, MDP_CHUNK_BYTES + 110, ino, 0, 20, 0, &copied,
                                &attr));
  CHECK(copied == 20);
  GIVES(0, ops->truncate(volume, &who, ino, 10, &attr));
  CHECK(attr.length == 10);
  GIVES(0, ops->fallocate(volume, &who, ino, 0, 0, 500, &attr));
  CHECK(attr.length == 500);
  GIVES(0, ops->fsync(volume, ino, MDP_FSYNC_CONFIGURED));

  GIVES(0, ops->open_file(volume, &who, ino, O_RDONLY, &again));
  CHECK(again.attr.length == 500);
  GIVES(0, ops->unlink(volume, &who, dir, NAME("file")));
  GIVES(0, ops->getattr(volume, &who, ino, &file)); /* open, so it is still there */
  CHECK(file.attr.length == 500);
  GIVES(0, ops->close_file(volume, ino, again.handle));
  GIVES(0, ops->close_file(volume, ino, opened.handle));
  if (ops->forget) ops->forget(volume, ino);
}

static int asked;
static int stop_waiting(void *ctx) {
  (void)ctx;
  return ++asked > 2;
}

static void work_on_locks(uint64_t ino) {
  mdp_lock lock = {.start = 10, .end = 19, .type = MDP_LOCK_WRITE, .pid = 42};
  GIVES(0, ops->setlk(volume, &who, ino, 1, &lock));
  mdp_lock other = {.start = 0, .end = INT64_MAX, .type = MDP_LOCK_READ, .pid = 43};
  GIVES(-EAGAIN, ops->setlk(volume, &who, ino, 2, &other));
  mdp_lock probe = other;
  GIVES(0, ops->getlk(volume, &who, ino, 2, &probe));
  CHECK(probe.type == MDP_LOCK_WRITE && probe.start == 10 && probe.end == 19);
  mdp_caller impatient = who;
  impatient.interrupted = stop_waiting;
  GIVES(-EINTR, ops->setlkw(volume, &impatient, ino, 2, &other));
  lock.type = MDP_LOCK_NONE;
  GIVES(0, ops->setlk(volume, &who, ino, 1, &lock));
  GIVES(0, ops->setlkw(volume, &who, ino, 2, &other));
  other.type = MDP_LOCK_NONE;
  GIVES(0, ops->setlk(volume, &who, ino, 2, &other));
  GIVES(0, ops->flock(volume, &who, ino, 1, MDP_LOCK_WRITE, 0));
  GIVES(-EAGAIN, ops->flock(volume, &who, ino, 2, MDP_LOCK_READ, 0));
  GIVES(0, ops->flock(volume, &who, ino, 1, MDP_LOCK_NONE, 0));
}

static void inspect(void) {
  static char text[1 << 16];
  char small[2];
  mdp_health health = {.struct_size = sizeof health};
  mdp_statfs space;
  GIVES(0, ops->health(volume, &health));
  CHECK(health.state == MDP_WRITABLE);
  GIVES(0, ops->describe(volume, text, sizeof text));
  CHECK(strstr(text, "\"Name\""));
  GIVES(-ERANGE, ops->describe(volume, small, sizeof small));
  GIVES(0, ops->statfs(volume, &who, MDP_ROOT_INO, &space));
  CHECK(space.total_bytes >= space.avail_bytes);
  GIVES(0, ops->control(volume, "help", "{}", text, sizeof text));
  GIVES(-ENOTSUP, ops->control(volume, "no-such-verb", "{}", text, sizeof text));
}

static void clean_up(uint64_t dir) {
  mdp_entry found;
  GIVES(0, ops->unlink(volume, &who, dir, NAME("hard")));
  GIVES(0, ops->unlink(volume, &who, dir, NAME("\xff\n")));
  GIVES(0, ops->unlink(volume, &who, dir, NAME("sym")));
  GIVES(-ENOENT, ops->unlink(volume, &who, dir, NAME("sym")));
  GIVES(0, ops->rmdir(volume, &who, MDP_ROOT_INO, NAME("dir")));
  const int rc = ops->lookup(volume, &who, MDP_ROOT_INO, NAME("dir"), &found);
  CHECK(rc == -ENOENT || (rc == 0 && found.attr.ino == 0));
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: abi_host PLUGIN META-URL\n");
    return 2;
  }
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  mdp_plugin_entry_fn entry;
  void *symbol = dlsym(library, MDP_PLUGIN_ENTRY_NAME);
  memcpy(&entry, &symbol, sizeof entry);
  CHECK(symbol != NULL);
  ops = entry();
  CHECK(ops->abi_major == MDP_ABI_MAJOR && ops->struct_size >= sizeof *ops);

  static char json[1 << 16], why[1024];
  const mdp_open_args args = {.struct_size = sizeof args, .meta_url = argv[2]};
  GIVES(0, ops->probe(&args, json, sizeof json, why, sizeof why));
  if (ops->open(&args, &host, &volume, why, sizeof why) != 0) {
    fprintf(stderr, "open: %s\n", why);
    return 1;
  }
  GIVES(0, ops->start(volume, why, sizeof why));
  const uint64_t dir = work_on_names();
  list(dir, 3, 0);
  list(dir, 3, 1);
  work_on_attributes(dir);
  work_on_a_file(dir);
  work_on_locks(dir);
  inspect();
  clean_up(dir);
  GIVES(0, ops->stop(volume, MDP_STOP_DRAIN, 10000));
  ops->close(volume);
  CHECK(dlclose(library) == 0);
  printf("%lu checks, %lu lines of log, %lu slices deleted\n", checks, lines, deleted);
  return 0;
}
