/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A file tree in memory. One mutex for all of it: simple, not fast. */
#ifndef TOY_TREE_H
#define TOY_TREE_H

#include <errno.h>
#include <mdp/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { TOY_BUCKETS = 1 << 14 };

struct toy_entry { /* a name; in its directory's list and in a hash chain */
  struct toy_entry *next, *prev, *chain;
  uint64_t parent, ino, cookie;
  size_t len;
  char name[MDP_NAME_MAX + 1];
};

struct toy_xattr {
  struct toy_xattr *next;
  size_t size;
  char *value;
  char name[256];
};

struct toy_chunk { /* records in the order in which they came */
  mdp_slice *records;
  size_t count, room;
};

struct toy_lock {
  struct toy_lock *next;
  uint64_t owner;
  mdp_lock range;
};

struct toy_node {
  mdp_attr attr;
  uint64_t parent; /* of a directory */
  uint64_t open_count;
  char *target; /* of a symlink */
  struct toy_entry *first, *last;
  uint64_t next_cookie;
  struct toy_xattr *xattrs;
  struct toy_chunk *chunks;
  size_t chunk_count;
  struct toy_lock *posix_locks, *flocks;
};

struct mdp_volume {
  pthread_mutex_t mutex;
  pthread_cond_t unlocked;
  mdp_host host;
  char bucket[4096];
  uint32_t valid_ms;
  uint64_t sacrificed;   /* an inode whose user is to be told */
  unsigned backlog;      /* changes that it claims to keep at a stop */
  struct toy_node **nodes; /* by inode number, which is never used twice */
  uint64_t node_room, next_ino, used;
  struct toy_entry *names[TOY_BUCKETS];
  uint32_t *slice_refs; /* by slice id */
  uint64_t slice_room, next_slice;
};

static inline void toy_now(int64_t *sec, uint32_t *nsec) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  *sec = now.tv_sec;
  *nsec = (uint32_t)now.tv_nsec;
}

static inline void toy_touch(struct toy_node *node, int modified) {
  toy_now(&node->attr.ctime, &node->attr.ctime_nsec);
  if (modified) {
    node->attr.mtime = node->attr.ctime;
    node->attr.mtime_nsec = node->attr.ctime_nsec;
  }
}

static inline struct toy_node *toy_node(mdp_volume *v, uint64_t ino) {
  return ino < v->next_ino ? v->nodes[ino] : NULL;
}

static inline mdp_entry toy_answer(const mdp_volume *v, const struct toy_node *node) {
  mdp_entry entry;
  memset(&entry, 0, sizeof entry);
  entry.attr = node->attr;
  entry.entry_valid_ms = entry.attr_valid_ms = v->valid_ms;
  return entry;
}

static inline size_t toy_hash(uint64_t parent, const char *name, size_t len) {
  uint64_t hash = 14695981039346656037u ^ parent;
  for (size_t i = 0; i < len; ++i) hash = (hash ^ (unsigned char)name[i]) * 1099511628211u;
  return (size_t)(hash >> 32) % TOY_BUCKETS;
}

static inline struct toy_entry *toy_find(mdp_volume *v, uint64_t parent, const char *name,
                                         size_t len) {
  struct toy_entry *at = v->names[toy_hash(parent, name, len)];
  while (at && !(at->parent == parent && at->len == len && memcmp(at->name, name, len) == 0))
    at = at->chain;
  return at;
}

/* Cookies grow, so they stay valid whatever happens to other entries. */
static inline struct toy_entry *toy_add(mdp_volume *v, struct toy_node *dir, const char *name,
                                        size_t len, uint64_t ino) {
  struct toy_entry *entry = calloc(1, sizeof *entry);
  if (!entry) return NULL;
  entry->parent = dir->attr.ino;
  entry->ino = ino;
  entry->cookie = ++dir->next_cookie;
  entry->len = len;
  memcpy(entry->name, name, len);
  entry->prev = dir->last;
  *(dir->last ? &dir->last->next : &dir->first) = entry;
  dir->last = entry;
  struct toy_entry **head = &v->names[toy_hash(entry->parent, name, len)];
  entry->chain = *head;
  *head = entry;
  toy_touch(dir, 1);
  return entry;
}

static inline void toy_drop(mdp_volume *v, struct toy_entry *entry) {
  struct toy_node *dir = v->nodes[entry->parent];
  *(entry->prev ? &entry->prev->next : &dir->first) = entry->next;
  *(entry->next ? &entry->next->prev : &dir->last) = entry->prev;
  struct toy_entry **at = &v->names[toy_hash(entry->parent, entry->name, entry->len)];
  while (*at != entry) at = &(*at)->chain;
  *at = entry->chain;
  free(entry);
  toy_touch(dir, 1);
}

static inline struct toy_node *toy_make(mdp_volume *v, const mdp_caller *who, uint32_t mode) {
  if (v->next_ino == v->node_room) {
    const uint64_t room = v->node_room ? 2 * v->node_room : 1024;
    struct toy_node **more = realloc(v->nodes, room * sizeof *more);
    if (!more) return NULL;
    v->nodes = more;
    v->node_room = room;
    if (v->next_ino == 0) more[v->next_ino++] = NULL; /* there is no inode 0 */
  }
  struct toy_node *node = calloc(1, sizeof *node);
  if (!node) return NULL;
  node->attr.ino = v->next_ino;
  node->attr.mode = mode;
  node->attr.uid = who->uid;
  node->attr.gid = who->gid;
  node->attr.nlink = S_ISDIR(mode) ? 2 : 1;
  node->attr.length = S_ISDIR(mode) ? 4096 : 0;
  toy_touch(node, 1);
  node->attr.atime = node->attr.mtime;
  node->attr.atime_nsec = node->attr.mtime_nsec;
  v->nodes[v->next_ino++] = node;
  ++v->used;
  return node;
}

#endif
