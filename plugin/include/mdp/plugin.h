/* SPDX-License-Identifier: BSD-2-Clause
 *
 * mdp: the contract between a file system host and a metadata plugin.
 *
 * A plugin is a shared object that exports one symbol, mdp_plugin_entry. It
 * answers every question about names, attributes and the map from a file to
 * its data slices. The host mounts the file system and moves the bytes.
 *
 * Rules that hold for all calls:
 *  - A call returns 0 or -errno. Outputs are written only on 0.
 *  - Calls may arrive on many threads at once, unless the life cycle below
 *    says otherwise.
 *  - A member that is NULL, or that lies beyond struct_size, means -ENOSYS.
 *  - Nothing is handed over to be freed: buffers belong to whoever passed
 *    them. A text that does not fit its buffer gives -ERANGE; try a larger one.
 *  - Names are bytes with a length, neither '/' nor NUL inside; a pointer to a
 *    name is valid only during the call.
 *  - Structures that begin with struct_size only ever grow at the end; the
 *    side that reads one uses the smaller of both sizes.
 *
 * Life cycle (one volume):
 *
 *   probe -> open -> start -> operations ... -> stop -> close
 *     |        |        |                         |
 *     |        |        |  threads run only       |  drains or keeps what is
 *     |        |        |  from here to stop      |  not sent; joins threads
 *     |        |        +- call it after the host has forked
 *     |        +- connects once, checks the volume, starts no thread
 *     +- checks the configuration, no I/O beyond reading the file
 *
 * probe, open, start, stop, close and format are called by one thread at a
 * time; between start and stop all operations may be called concurrently.
 */
#ifndef MDP_PLUGIN_H
#define MDP_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MDP_ABI_MAJOR 1u
#define MDP_ABI_MINOR 1u

#define MDP_ROOT_INO 1u
#define MDP_NAME_MAX 255u
#define MDP_CHUNK_BYTES (UINT64_C(1) << 26) /* a file is cut into 64 MiB chunks */

typedef struct mdp_volume mdp_volume; /* an open volume, owned by the plugin */
typedef struct mdp_dir mdp_dir;       /* an open directory, owned by the plugin */

/* ---- what the host offers ------------------------------------------------ */

enum mdp_log_level {
  MDP_LOG_DEBUG = 0,
  MDP_LOG_INFO = 1,
  MDP_LOG_WARN = 2,
  MDP_LOG_ERROR = 3
};

enum mdp_invalidate {
  MDP_INVAL_ATTR = 1, /* attributes changed */
  MDP_INVAL_DATA = 2  /* contents, or a directory's listing, changed */
};

/* Callbacks into the host; they may be called from any thread of the plugin
 * between start and stop, never while the plugin holds a lock that one of the
 * operations below needs. The invalidate callbacks only queue: they return at
 * once and may be called from within an operation. */
typedef struct mdp_host {
  uint32_t struct_size;
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t reserved;
  void *ctx; /* first argument of every callback */

  void (*log)(void *ctx, int level, const char *text, size_t len);

  /* A change that did not come through this host. what: enum mdp_invalidate */
  void (*invalidate_inode)(void *ctx, uint64_t ino, uint32_t what);

  /* The name may have appeared, gone or changed its inode; len 0 means every
   * name of that parent. */
  void (*invalidate_entry)(void *ctx, uint64_t parent, const char *name, size_t len);

  /* Everything the host or the kernel remembers may be old. */
  void (*invalidate_all)(void *ctx);

  /* Waits until the kernel has been told of every invalidation queued before
   * this call. 0, or -ETIMEDOUT. Never called by a thread that serves an
   * operation other than a lock request. */
  int (*invalidate_barrier)(void *ctx, uint32_t timeout_ms);

  /* Nobody refers to this slice any more: remove its objects. 0 when they are
   * gone (or were never there); an error leaves them for a later sweep. */
  int (*delete_slice)(void *ctx, uint64_t id, uint32_t size);

  /* 1: the objects of the slice are where other clients read them; 0: not yet;
   * -errno: they are lost. Asked again and again for a slice that no record names
   * yet: the host keeps its objects from the garbage collection of other clients,
   * who remove what is an hour old and belongs to nobody. */
  int (*slice_is_durable)(void *ctx, uint64_t id, uint32_t size);
} mdp_host;

/* ---- opening --------------------------------------------------------------- */

enum mdp_open_flags {
  MDP_OPEN_READ_ONLY = 1 /* no session, every mutation is -EROFS */
};

typedef struct mdp_open_args {
  uint32_t struct_size;
  uint32_t flags;             /* enum mdp_open_flags */
  const char *config_file;    /* YAML file or NULL */
  const char *meta_url;       /* wins over the file; NULL: the file names it */
  const char *cache_dir;      /* wins over the file; NULL: file or default */
  const char *mount_point;    /* for the session record; NULL: none */
  const char *const *options; /* "key.path=value" lines, each wins over the file */
  size_t option_count;
} mdp_open_args;

/* ---- what operations speak of ---------------------------------------------- */

/* Who asks. The kernel has checked rwx permissions already; rules that it
 * cannot know (immutable and append-only inodes, trash, sticky bits of a
 * changed parent) are the plugin's. */
typedef struct mdp_caller {
  uint32_t struct_size;
  uint32_t uid;
  uint32_t gid;
  uint32_t pid;              /* of the process, not the thread; 0: not known */
  uint32_t umask;            /* applied by the plugin to mknod, mkdir, create */
  uint32_t group_count;      /* supplementary groups, 0 if not known */
  const uint32_t *groups;
  int (*interrupted)(void *ctx); /* non-zero: give up with -EINTR; may be NULL */
  void *interrupted_ctx;
} mdp_caller;

enum mdp_inode_flags { /* mdp_attr.flags, as chattr(1) shows them */
  MDP_INODE_IMMUTABLE = 0x01,
  MDP_INODE_APPEND = 0x02,
  MDP_INODE_SKIP_TRASH = 0x20
};

typedef struct mdp_attr {
  uint64_t ino;
  uint64_t length; /* bytes */
  int64_t atime;   /* seconds since 1970; nanoseconds beside it */
  int64_t mtime;
  int64_t ctime;
  uint32_t atime_nsec;
  uint32_t mtime_nsec;
  uint32_t ctime_nsec;
  uint32_t mode; /* S_IFMT bits and permissions */
  uint32_t uid;
  uint32_t gid;
  uint32_t nlink;
  uint32_t rdev;  /* as the Linux kernel encodes it in 32 bits */
  uint32_t flags; /* enum mdp_inode_flags */
  uint32_t reserved;
} mdp_attr;

/* An inode found by name or by number, and how long it may be remembered
 * without asking again. The plugin calls invalidate_* when it changes sooner.
 * A lookup that finds nothing answers 0 with attr.ino 0 if the absence may be
 * remembered, else -ENOENT. */
typedef struct mdp_entry {
  mdp_attr attr;
  uint32_t entry_valid_ms;
  uint32_t attr_valid_ms;
} mdp_entry;

enum mdp_set { /* which members of mdp_setattr count */
  MDP_SET_MODE = 1 << 0,
  MDP_SET_UID = 1 << 1,
  MDP_SET_GID = 1 << 2,
  MDP_SET_ATIME = 1 << 3,
  MDP_SET_MTIME = 1 << 4,
  MDP_SET_ATIME_NOW = 1 << 5,
  MDP_SET_MTIME_NOW = 1 << 6,
  MDP_SET_CTIME = 1 << 7,
  MDP_SET_FLAGS = 1 << 8,
  MDP_SET_KILL_SUID = 1 << 9 /* clear setuid and setgid as a write would */
};

typedef struct mdp_setattr {
  uint32_t struct_size;
  uint32_t set; /* enum mdp_set; the length is changed by truncate */
  uint32_t mode;
  uint32_t uid;
  uint32_t gid;
  uint32_t flags;
  int64_t atime;
  int64_t mtime;
  int64_t ctime;
  uint32_t atime_nsec;
  uint32_t mtime_nsec;
  uint32_t ctime_nsec;
  uint32_t reserved;
} mdp_setattr;

typedef struct mdp_statfs {
  uint64_t total_bytes;
  uint64_t avail_bytes;
  uint64_t used_inodes;
  uint64_t avail_inodes;
} mdp_statfs;

/* One entry of a directory page; its name lies in the names buffer. */
typedef struct mdp_dirent {
  uint64_t ino;
  uint64_t cookie;     /* pass it to continue behind this entry */
  uint32_t name_at;    /* offset into the names buffer */
  uint32_t name_len;
  uint32_t type;       /* S_IFMT bits */
  uint32_t have_entry; /* readdirplus: entry below is filled */
  mdp_entry entry;
} mdp_dirent;

typedef struct mdp_open_reply {
  uint64_t handle; /* pass it to close */
  mdp_attr attr;   /* as of this open: the base of close-to-open */
} mdp_open_reply;

/* A piece of a chunk. Bytes [off, off+len) of slice `id`, whose objects hold
 * `size` bytes, lie at [pos, pos+len) of the chunk. id 0: zeros. */
typedef struct mdp_slice {
  uint64_t id;
  uint32_t pos;
  uint32_t size;
  uint32_t off;
  uint32_t len;
} mdp_slice;

enum mdp_slice_flags {
  MDP_SLICE_STAGED = 1 /* durable here, not yet where others read: the plugin
                          waits for slice_durable before others see it */
};

typedef struct mdp_slice_write {
  uint32_t struct_size;
  uint32_t chunk; /* index of the chunk in the file */
  mdp_slice slice;
  int64_t mtime; /* of the write call */
  uint32_t mtime_nsec;
  uint32_t flags; /* enum mdp_slice_flags */
} mdp_slice_write;

/* A proposal to merge the records of a chunk into one slice. The host reads
 * [pos, pos+size) of the chunk through `pieces`, stores it as a new slice and
 * hands the proposal back to compact_commit with the new id. */
typedef struct mdp_compaction {
  uint32_t struct_size;
  uint32_t chunk;
  uint32_t records;  /* of the list, from the oldest, that were looked at */
  uint32_t skipped;  /* of those, left alone at the front */
  uint32_t pos;      /* where the merged slice begins in the chunk */
  uint32_t size;     /* its length, > 0 */
  uint64_t checksum; /* of the looked-at records; commit compares it */
} mdp_compaction;

enum mdp_lock_type { MDP_LOCK_READ = 0, MDP_LOCK_WRITE = 1, MDP_LOCK_NONE = 2 };

typedef struct mdp_lock {
  uint64_t start;
  uint64_t end; /* inclusive; INT64_MAX is the end of the file */
  uint32_t type; /* enum mdp_lock_type */
  uint32_t pid;  /* getlk: 0 when the holder is another client */
} mdp_lock;

enum mdp_fsync_level {
  MDP_FSYNC_CONFIGURED = 0, /* what the volume's configuration says */
  MDP_FSYNC_LOCAL = 1,      /* survives a power loss of this machine */
  MDP_FSYNC_REMOTE = 2,     /* other clients see it */
  /* since 1.1 */
  MDP_FSYNC_REPORT = 3 /* forces nothing; -EIO once when an acknowledged change
                          of this inode was sacrificed to a conflict since the
                          last report. The other levels report too. A plugin of
                          1.0 may take it for CONFIGURED. */
};

enum mdp_state {
  MDP_STARTING = 0,
  MDP_RECOVERING = 1,
  MDP_WRITABLE = 2,
  MDP_READ_ONLY = 3, /* reason says why; reads go on where they can */
  MDP_FAILED = 4,    /* latched: needs a person */
  MDP_STOPPED = 5
};

typedef struct mdp_health {
  uint32_t struct_size;
  uint32_t state;   /* enum mdp_state */
  uint64_t backlog; /* acknowledged changes that other clients do not see yet */
  char reason[256]; /* one line, empty when all is well */
} mdp_health;

enum mdp_stop_mode {
  MDP_STOP_DRAIN = 0, /* send what is pending, as long as timeout_ms allows */
  MDP_STOP_KEEP = 1,  /* leave it for the next start */
  /* since 1.1: as DRAIN, for the time that the volume's configuration says,
   * then as KEEP; timeout_ms counts for plugins that have no such time */
  MDP_STOP_WAIT_CONFIGURED = 2
};

enum mdp_read_flags {
  MDP_READ_FRESH = 1 /* do not answer from a cache: an object was missing */
};

/* ---- the table ------------------------------------------------------------- */

typedef struct mdp_ops {
  uint32_t struct_size; /* sizeof(mdp_ops) when the plugin was built */
  uint32_t abi_major;   /* the host refuses a major that it does not know */
  uint32_t abi_minor;
  uint32_t reserved;
  const char *name;     /* of the plugin, e.g. "fastmeta" */
  const char *version;

  /* -- life cycle; `why` receives one line that names what, where, what to do */

  /* Checks args and the configuration; json: the effective values and where
   * each comes from, as {"key": {"value": …, "from": …}}, secrets masked. */
  int (*probe)(const mdp_open_args *args, char *json, size_t cap, char *why, size_t why_cap);
  /* Creates a volume. settings: JSON of the volume's settings by their stored
   * names ("Name", "Storage", "Bucket", "BlockSize", …). -EEXIST when there is
   * one and force is 0. */
  int (*format)(const mdp_open_args *args, const char *settings, int force, char *why,
                size_t why_cap);
  int (*open)(const mdp_open_args *args, const mdp_host *host, mdp_volume **out, char *why,
              size_t why_cap);
  int (*start)(mdp_volume *v, char *why, size_t why_cap);
  /* Always stops; close follows. -EAGAIN: acknowledged changes are left for the
   * next start (of the same cache directory), see health. */
  int (*stop)(mdp_volume *v, int mode, uint32_t timeout_ms);
  void (*close)(mdp_volume *v);

  /* JSON of the volume's settings by their stored names; what the data side
   * needs is in it ("Name", "Storage", "Bucket", "BlockSize" in KiB,
   * "Compression", "HashPrefix", credentials). Callable from open on. */
  int (*describe)(mdp_volume *v, char *json, size_t cap);

  /* -- names */
  int (*statfs)(mdp_volume *v, const mdp_caller *who, uint64_t ino, mdp_statfs *out);
  int (*lookup)(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                size_t len, mdp_entry *out);
  /* The host holds no reference to ino any more (it counts lookups). */
  void (*forget)(mdp_volume *v, uint64_t ino);
  int (*mknod)(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
               size_t len, uint32_t mode, uint32_t rdev, mdp_entry *out);
  int (*mkdir)(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
               size_t len, uint32_t mode, mdp_entry *out);
  int (*symlink)(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                 size_t len, const char *target, size_t target_len, mdp_entry *out);
  int (*readlink)(mdp_volume *v, const mdp_caller *who, uint64_t ino, char *buf, size_t cap,
                  size_t *len);
  int (*link)(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t parent,
              const char *name, size_t len, mdp_entry *out);
  int (*unlink)(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                size_t len);
  int (*rmdir)(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
               size_t len);
  /* flags: RENAME_NOREPLACE 1, RENAME_EXCHANGE 2 */
  int (*rename)(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                size_t len, uint64_t new_parent, const char *new_name, size_t new_len,
                uint32_t flags);

  /* -- directories; one mdp_dir is used by one thread at a time */
  int (*opendir)(mdp_volume *v, const mdp_caller *who, uint64_t ino, mdp_dir **out);
  /* Entries behind `cookie` (0: from the start) until one of the buffers is
   * full; *count 0 is the end. Cookies stay valid while the directory is open,
   * whatever happens to its entries. "." and ".." are the host's. */
  int (*readdir)(mdp_volume *v, mdp_dir *dir, uint64_t cookie, mdp_dirent *out, size_t cap,
                 char *names, size_t names_cap, size_t *count);
  int (*readdirplus)(mdp_volume *v, mdp_dir *dir, uint64_t cookie, mdp_dirent *out, size_t cap,
                     char *names, size_t names_cap, size_t *count);
  void (*closedir)(mdp_volume *v, mdp_dir *dir);

  /* -- attributes */
  int (*getattr)(mdp_volume *v, const mdp_caller *who, uint64_t ino, mdp_entry *out);
  int (*setattr)(mdp_volume *v, const mdp_caller *who, uint64_t ino, const mdp_setattr *set,
                 mdp_entry *out);
  /* flags: XATTR_CREATE 1, XATTR_REPLACE 2 */
  int (*setxattr)(mdp_volume *v, const mdp_caller *who, uint64_t ino, const char *name,
                  size_t len, const void *value, size_t size, uint32_t flags);
  /* cap 0 asks only for the length */
  int (*getxattr)(mdp_volume *v, const mdp_caller *who, uint64_t ino, const char *name,
                  size_t len, void *buf, size_t cap, size_t *size);
  /* names, each followed by NUL; cap 0 asks only for the length */
  int (*listxattr)(mdp_volume *v, const mdp_caller *who, uint64_t ino, char *buf, size_t cap,
                   size_t *size);
  int (*removexattr)(mdp_volume *v, const mdp_caller *who, uint64_t ino, const char *name,
                     size_t len);

  /* -- files. Flags of open and create: O_* of the platform. Every open and
   * create that answered 0 is followed by one close with its handle. -ESTALE:
   * the inode is gone, look its name up again. */
  int (*create)(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                size_t len, uint32_t mode, uint32_t flags, mdp_entry *out,
                mdp_open_reply *opened);
  int (*open_file)(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint32_t flags,
                   mdp_open_reply *opened);
  int (*close_file)(mdp_volume *v, uint64_t ino, uint64_t handle);
  int (*new_slice)(mdp_volume *v, uint64_t *id);
  /* -ENOENT, -ENOSPC, -EDQUOT, -EPERM: the slice will never be referred to,
   * remove its objects. Any other error: the outcome may be unknown, keep
   * them. out: the attributes after it. */
  int (*write_slice)(mdp_volume *v, const mdp_caller *who, uint64_t ino,
                     const mdp_slice_write *write, mdp_attr *out);
  /* A staged slice is now where others read it. */
  int (*slice_durable)(mdp_volume *v, uint64_t ino, uint64_t id);
  /* The visible pieces of a chunk, ordered, without gaps from 0 to the end of
   * the last record. records: how many there are in the list. */
  int (*read_slices)(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint32_t chunk,
                     uint32_t flags, mdp_slice *out, size_t cap, size_t *count,
                     uint32_t *records);
  int (*truncate)(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t length,
                  mdp_attr *out);
  /* mode: FALLOC_FL_* */
  int (*fallocate)(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint32_t mode,
                   uint64_t off, uint64_t len, mdp_attr *out);
  int (*copy_file_range)(mdp_volume *v, const mdp_caller *who, uint64_t from, uint64_t from_off,
                         uint64_t to, uint64_t to_off, uint64_t len, uint32_t flags,
                         uint64_t *copied, mdp_attr *to_attr);
  /* -ENODATA: nothing worth merging. */
  int (*compact_plan)(mdp_volume *v, uint64_t ino, uint32_t chunk, mdp_compaction *plan,
                      mdp_slice *pieces, size_t cap, size_t *count);
  /* -EAGAIN: the chunk has changed, the caller removes the new objects. */
  int (*compact_commit)(mdp_volume *v, uint64_t ino, const mdp_compaction *plan, uint64_t id);
  /* ino 0: everything this host has written. level: enum mdp_fsync_level */
  int (*fsync)(mdp_volume *v, uint64_t ino, int level);

  /* -- locks; owner: unique among the lock owners of this host. What cannot be let go
   * of at once, as the server is away, the plugin lets go of later and answers 0: who
   * closes a file does not ask again. */
  int (*flock)(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t owner, uint32_t type,
               int wait);
  int (*getlk)(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t owner,
               mdp_lock *lock);
  int (*setlk)(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t owner,
               const mdp_lock *lock);
  /* Waits; ends with -EINTR soon after who->interrupted says so. */
  int (*setlkw)(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t owner,
                const mdp_lock *lock);

  /* -- inspection */
  int (*stats)(mdp_volume *v, char *json, size_t cap);
  int (*health)(mdp_volume *v, mdp_health *out);
  /* Admin verbs, so that tools need no new members. An unknown verb is
   * -ENOTSUP; verb "help" lists them. After an error reply may hold a line that
   * says why: the host clears it before. */
  int (*control)(mdp_volume *v, const char *verb, const char *request, char *reply, size_t cap);

  /* since 1.1 */

  /* Admin verbs on the cache directory of a volume that is not mounted; the
   * server is not contacted. -EBUSY: it is in use, or the verb would lose what is
   * there; -ENOTSUP: an unknown verb. */
  int (*inspect)(const mdp_open_args *args, const char *verb, const char *request, char *reply,
                 size_t cap, char *why, size_t why_cap);
} mdp_ops;

/* The one exported symbol. The table is static and lives as long as the
 * shared object is loaded. */
const mdp_ops *mdp_plugin_entry(void);
typedef const mdp_ops *(*mdp_plugin_entry_fn)(void);
#define MDP_PLUGIN_ENTRY_NAME "mdp_plugin_entry"

#ifdef __cplusplus
}
#endif
#endif /* MDP_PLUGIN_H */
