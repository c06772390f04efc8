/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Open files, their slices, and locks. */
#ifndef TOY_OPS_FILES_H
#define TOY_OPS_FILES_H

#include "locks.h"
#include "ops_names.h"

static inline int toy_file(mdp_volume *v, uint64_t ino, struct toy_node **out) {
  *out = toy_node(v, ino);
  if (!*out) return -ENOENT;
  return S_ISREG((*out)->attr.mode) ? 0 : -EPERM;
}

static inline void toy_opened(struct toy_node *node, mdp_open_reply *out) {
  ++node->open_count;
  out->handle = node->open_count;
  out->attr = node->attr;
}

static int toy_op_create(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                         size_t len, uint32_t mode, uint32_t flags, mdp_entry *out,
                         mdp_open_reply *opened) {
  (void)flags;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node;
  const uint32_t bits = S_IFREG | (mode & 07777 & ~who->umask);
  const int rc = toy_new(v, who, parent, name, len, bits, &node);
  if (!rc) {
    toy_opened(node, opened);
    *out = toy_answer(v, node);
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_open(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint32_t flags,
                       mdp_open_reply *opened) {
  (void)who;
  (void)flags;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node;
  const int rc = toy_file(v, ino, &node);
  if (!rc) toy_opened(node, opened);
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_close(mdp_volume *v, uint64_t ino, uint64_t handle) {
  (void)handle;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node;
  int rc = toy_file(v, ino, &node);
  if (!rc && node->open_count == 0) rc = -EBADF;
  if (!rc) {
    --node->open_count;
    toy_free_if_unused(v, node);
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_new_slice(mdp_volume *v, uint64_t *id) {
  pthread_mutex_lock(&v->mutex);
  *id = ++v->next_slice;
  pthread_mutex_unlock(&v->mutex);
  return 0;
}

static int toy_op_write_slice(mdp_volume *v, const mdp_caller *who, uint64_t ino,
                              const mdp_slice_write *write, mdp_attr *out) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node;
  int rc = toy_file(v, ino, &node);
  if (!rc) rc = toy_push(v, node, write->chunk, write->slice);
  if (!rc) {
    const uint64_t end = write->chunk * MDP_CHUNK_BYTES + write->slice.pos + write->slice.len;
    if (end > node->attr.length) node->attr.length = end;
    toy_touch(node, 0);
    node->attr.mtime = write->mtime;
    node->attr.mtime_nsec = write->mtime_nsec;
    *out = node->attr;
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_read_slices(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint32_t chunk,
                              uint32_t flags, mdp_slice *out, size_t cap, size_t *count,
                              uint32_t *records) {
  (void)who;
  (void)flags;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node;
  size_t at = 0;
  int rc = toy_file(v, ino, &node);
  if (!rc && chunk < node->chunk_count) {
    const struct toy_chunk *list = &node->chunks[chunk];
    const uint64_t end = toy_chunk_end(list);
    for (uint64_t pos = 0; pos < end && !rc;) {
      mdp_slice piece = toy_visible(list, pos);
      if (pos + piece.len > end) piece.len = (uint32_t)(end - pos);
      if (at == cap) {
        rc = -ERANGE;
      } else {
        out[at++] = piece;
      }
      pos += piece.len;
    }
    *records = (uint32_t)list->count;
  } else if (!rc) {
    *records = 0;
  }
  if (!rc) *count = at;
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_truncate(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t length,
                           mdp_attr *out) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node;
  int rc = toy_file(v, ino, &node);
  if (!rc && length < node->attr.length) rc = toy_zero(v, node, length, node->attr.length);
  if (!rc) {
    node->attr.length = length;
    toy_touch(node, 1);
    *out = node->attr;
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_fallocate(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint32_t mode,
                            uint64_t off, uint64_t len, mdp_attr *out) {
  enum { KEEP_SIZE = 1, PUNCH_HOLE = 2, ZERO_RANGE = 16 };
  (void)who;
  if (mode & ~(uint32_t)(KEEP_SIZE | PUNCH_HOLE | ZERO_RANGE)) return -EOPNOTSUPP;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node;
  int rc = toy_file(v, ino, &node);
  if (!rc && mode & (PUNCH_HOLE | ZERO_RANGE)) rc = toy_zero(v, node, off, off + len);
  if (!rc) {
    if (!(mode & KEEP_SIZE) && off + len > node->attr.length) node->attr.length = off + len;
    toy_touch(node, 1);
    *out = node->attr;
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

/* Cuts a piece of the source to what fits one chunk of the target. */
static inline int toy_copy(mdp_volume *v, struct toy_node *from, uint64_t from_off,
                           struct toy_node *to, uint64_t to_off, uint64_t len) {
  static const struct toy_chunk nothing = {NULL, 0, 0};
  while (len) {
    const size_t chunk = (size_t)(from_off / MDP_CHUNK_BYTES);
    mdp_slice piece = toy_visible(chunk < from->chunk_count ? &from->chunks[chunk] : &nothing,
                                  from_off % MDP_CHUNK_BYTES);
    const uint64_t room = MDP_CHUNK_BYTES - to_off % MDP_CHUNK_BYTES;
    if (piece.len > len) piece.len = (uint32_t)len;
    if (piece.len > room) piece.len = (uint32_t)room;
    piece.pos = (uint32_t)(to_off % MDP_CHUNK_BYTES);
    const int rc = toy_push(v, to, (uint32_t)(to_off / MDP_CHUNK_BYTES), piece);
    if (rc) return rc;
    from_off += piece.len;
    to_off += piece.len;
    len -= piece.len;
  }
  return 0;
}

static int toy_op_copy(mdp_volume *v, const mdp_caller *who, uint64_t from, uint64_t from_off,
                       uint64_t to, uint64_t to_off, uint64_t len, uint32_t flags,
                       uint64_t *copied, mdp_attr *to_attr) {
  (void)who;
  (void)flags;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *source, *target;
  int rc = toy_file(v, from, &source);
  if (!rc) rc = toy_file(v, to, &target);
  if (!rc) {
    if (from_off >= source->attr.length) len = 0;
    if (len > source->attr.length - from_off) len = source->attr.length - from_off;
    rc = toy_copy(v, source, from_off, target, to_off, len);
  }
  if (!rc) {
    if (len && to_off + len > target->attr.length) target->attr.length = to_off + len;
    toy_touch(target, 1);
    *copied = len;
    *to_attr = target->attr;
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

/* Memory is as durable as it gets. The verb "sacrifice" leaves a report to be made. */
static int toy_op_fsync(mdp_volume *v, uint64_t ino, int level) {
  (void)level;
  pthread_mutex_lock(&v->mutex);
  const int told = ino != 0 && v->sacrificed == ino;
  if (told) v->sacrificed = 0;
  pthread_mutex_unlock(&v->mutex);
  return told ? -EIO : 0;
}

static int toy_op_flock(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t owner,
                        uint32_t type, int wait) {
  const mdp_lock all = {0, INT64_MAX, type, 0};
  pthread_mutex_lock(&v->mutex);
  const int rc = toy_take_lock(v, who, ino, 1, owner, &all, wait);
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_getlk(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t owner,
                        mdp_lock *lock) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node = toy_node(v, ino);
  const struct toy_lock *other = node ? toy_conflict(node->posix_locks, owner, lock) : NULL;
  if (other) {
    *lock = other->range;
  } else {
    lock->type = MDP_LOCK_NONE;
  }
  pthread_mutex_unlock(&v->mutex);
  return node ? 0 : -ENOENT;
}

static int toy_op_setlk(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t owner,
                        const mdp_lock *lock) {
  pthread_mutex_lock(&v->mutex);
  const int rc = toy_take_lock(v, who, ino, 0, owner, lock, 0);
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_setlkw(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t owner,
                         const mdp_lock *lock) {
  pthread_mutex_lock(&v->mutex);
  const int rc = toy_take_lock(v, who, ino, 0, owner, lock, 1);
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

#endif
