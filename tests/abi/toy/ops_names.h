/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Names: everything that makes, finds, moves or removes one. */
#ifndef TOY_OPS_NAMES_H
#define TOY_OPS_NAMES_H

#include "slices.h"

static inline int toy_dir(mdp_volume *v, uint64_t ino, struct toy_node **out) {
  *out = toy_node(v, ino);
  if (!*out || (*out)->attr.nlink == 0) return -ENOENT;
  return S_ISDIR((*out)->attr.mode) ? 0 : -ENOTDIR;
}

static inline void toy_free_locks(struct toy_lock *list) {
  while (list) {
    struct toy_lock *next = list->next;
    free(list);
    list = next;
  }
}

static inline void toy_free_if_unused(mdp_volume *v, struct toy_node *node) {
  if (node->attr.nlink || node->open_count) return;
  toy_free_data(v, node);
  while (node->xattrs) {
    struct toy_xattr *next = node->xattrs->next;
    free(node->xattrs->value);
    free(node->xattrs);
    node->xattrs = next;
  }
  toy_free_locks(node->posix_locks);
  toy_free_locks(node->flocks);
  free(node->target);
  v->nodes[node->attr.ino] = NULL;
  --v->used;
  free(node);
}

/* One name of the inode less. */
static inline void toy_unlink_node(mdp_volume *v, struct toy_node *node) {
  if (S_ISDIR(node->attr.mode)) {
    node->attr.nlink = 0;
    --v->nodes[node->parent]->attr.nlink;
  } else {
    --node->attr.nlink;
  }
  toy_touch(node, 0);
  toy_free_if_unused(v, node);
}

static inline int toy_new(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                          size_t len, uint32_t mode, struct toy_node **out) {
  struct toy_node *dir;
  const int rc = toy_dir(v, parent, &dir);
  if (rc) return rc;
  if (len > MDP_NAME_MAX) return -ENAMETOOLONG;
  if (toy_find(v, parent, name, len)) return -EEXIST;
  struct toy_node *node = toy_make(v, who, mode);
  if (!node) return -ENOMEM;
  if (dir->attr.mode & S_ISGID) {
    node->attr.gid = dir->attr.gid;
    if (S_ISDIR(mode)) node->attr.mode |= S_ISGID;
  }
  if (!toy_add(v, dir, name, len, node->attr.ino)) return -ENOMEM;
  if (S_ISDIR(mode)) {
    node->parent = parent;
    ++dir->attr.nlink;
  }
  *out = node;
  return 0;
}

static int toy_op_lookup(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                         size_t len, mdp_entry *out) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *dir;
  int rc = toy_dir(v, parent, &dir);
  if (!rc && len > MDP_NAME_MAX) rc = -ENAMETOOLONG;
  if (!rc) {
    const struct toy_entry *entry = toy_find(v, parent, name, len);
    if (entry) {
      *out = toy_answer(v, v->nodes[entry->ino]);
    } else {
      memset(out, 0, sizeof *out);
      out->entry_valid_ms = v->valid_ms;
    }
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_mknod(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                        size_t len, uint32_t mode, uint32_t rdev, mdp_entry *out) {
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node;
  const int rc = toy_new(v, who, parent, name, len, mode & ~who->umask, &node);
  if (!rc) {
    node->attr.rdev = rdev;
    *out = toy_answer(v, node);
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_mkdir(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                        size_t len, uint32_t mode, mdp_entry *out) {
  const uint32_t bits = S_IFDIR | (mode & 07777 & ~who->umask);
  return toy_op_mknod(v, who, parent, name, len, bits, 0, out);
}

static int toy_op_symlink(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                          size_t len, const char *target, size_t target_len, mdp_entry *out) {
  char *copy = calloc(1, target_len + 1);
  if (!copy) return -ENOMEM;
  memcpy(copy, target, target_len);
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node;
  const int rc = toy_new(v, who, parent, name, len, S_IFLNK | 0777, &node);
  if (!rc) {
    node->target = copy;
    node->attr.length = target_len;
    *out = toy_answer(v, node);
  }
  pthread_mutex_unlock(&v->mutex);
  if (rc) free(copy);
  return rc;
}

static int toy_op_readlink(mdp_volume *v, const mdp_caller *who, uint64_t ino, char *buf,
                           size_t cap, size_t *len) {
  (void)who;
  int rc = 0;
  pthread_mutex_lock(&v->mutex);
  const struct toy_node *node = toy_node(v, ino);
  if (!node) {
    rc = -ENOENT;
  } else if (!node->target) {
    rc = -EINVAL;
  } else if (strlen(node->target) > cap) {
    rc = -ERANGE;
  } else {
    *len = strlen(node->target);
    memcpy(buf, node->target, *len);
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_link(mdp_volume *v, const mdp_caller *who, uint64_t ino, uint64_t parent,
                       const char *name, size_t len, mdp_entry *out) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *dir, *node = toy_node(v, ino);
  int rc = toy_dir(v, parent, &dir);
  if (!rc && (!node || node->attr.nlink == 0)) rc = -ENOENT;
  if (!rc && S_ISDIR(node->attr.mode)) rc = -EPERM;
  if (!rc && len > MDP_NAME_MAX) rc = -ENAMETOOLONG;
  if (!rc && toy_find(v, parent, name, len)) rc = -EEXIST;
  if (!rc && !toy_add(v, dir, name, len, ino)) rc = -ENOMEM;
  if (!rc) {
    ++node->attr.nlink;
    toy_touch(node, 0);
    *out = toy_answer(v, node);
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static inline int toy_remove(mdp_volume *v, uint64_t parent, const char *name, size_t len,
                             int directory) {
  struct toy_node *dir;
  const int rc = toy_dir(v, parent, &dir);
  if (rc) return rc;
  struct toy_entry *entry = toy_find(v, parent, name, len);
  if (!entry) return -ENOENT;
  struct toy_node *node = v->nodes[entry->ino];
  if (directory && !S_ISDIR(node->attr.mode)) return -ENOTDIR;
  if (!directory && S_ISDIR(node->attr.mode)) return -EPERM;
  if (directory && node->first) return -ENOTEMPTY;
  toy_drop(v, entry);
  toy_unlink_node(v, node);
  return 0;
}

static int toy_op_unlink(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                         size_t len) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  const int rc = toy_remove(v, parent, name, len, 0);
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_rmdir(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                        size_t len) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  const int rc = toy_remove(v, parent, name, len, 1);
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

/* A directory that has moved: its ".." counts elsewhere. */
static inline void toy_reparent(mdp_volume *v, struct toy_node *node, uint64_t parent) {
  if (!S_ISDIR(node->attr.mode) || node->parent == parent) return;
  --v->nodes[node->parent]->attr.nlink;
  ++v->nodes[parent]->attr.nlink;
  node->parent = parent;
}

static inline int toy_may_replace(const struct toy_node *node, const struct toy_node *other) {
  const int dir = S_ISDIR(node->attr.mode), other_dir = S_ISDIR(other->attr.mode);
  if (dir && !other_dir) return -ENOTDIR;
  if (!dir && other_dir) return -EISDIR;
  return other_dir && other->first ? -ENOTEMPTY : 0;
}

static inline int toy_rename(mdp_volume *v, uint64_t parent, const char *name, size_t len,
                             uint64_t new_parent, const char *new_name, size_t new_len,
                             uint32_t flags) {
  enum { NOREPLACE = 1, EXCHANGE = 2 };
  struct toy_node *dir, *new_dir;
  int rc = toy_dir(v, parent, &dir);
  if (!rc) rc = toy_dir(v, new_parent, &new_dir);
  if (!rc && new_len > MDP_NAME_MAX) rc = -ENAMETOOLONG;
  if (rc) return rc;
  if (flags & ~(uint32_t)(NOREPLACE | EXCHANGE)) return -EINVAL;
  struct toy_entry *from = toy_find(v, parent, name, len);
  struct toy_entry *to = toy_find(v, new_parent, new_name, new_len);
  if (!from || ((flags & EXCHANGE) && !to)) return -ENOENT;
  if ((flags & NOREPLACE) && to) return -EEXIST;
  struct toy_node *node = v->nodes[from->ino];
  if (to && to->ino == from->ino) return 0;
  if (flags & EXCHANGE) {
    struct toy_node *other = v->nodes[to->ino];
    to->ino = node->attr.ino;
    from->ino = other->attr.ino;
    toy_reparent(v, node, new_parent);
    toy_reparent(v, other, parent);
    toy_touch(other, 0);
    toy_touch(dir, 1);
    toy_touch(new_dir, 1);
  } else {
    if (to) {
      struct toy_node *other = v->nodes[to->ino];
      if ((rc = toy_may_replace(node, other))) return rc;
      toy_drop(v, to);
      toy_unlink_node(v, other);
    }
    toy_drop(v, from);
    if (!toy_add(v, new_dir, new_name, new_len, node->attr.ino)) return -ENOMEM;
    toy_reparent(v, node, new_parent);
  }
  toy_touch(node, 0);
  return 0;
}

static int toy_op_rename(mdp_volume *v, const mdp_caller *who, uint64_t parent, const char *name,
                         size_t len, uint64_t new_parent, const char *new_name, size_t new_len,
                         uint32_t flags) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  const int rc = toy_rename(v, parent, name, len, new_parent, new_name, new_len, flags);
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_statfs(mdp_volume *v, const mdp_caller *who, uint64_t ino, mdp_statfs *out) {
  (void)who;
  (void)ino;
  pthread_mutex_lock(&v->mutex);
  out->total_bytes = UINT64_C(1) << 50;
  out->avail_bytes = UINT64_C(1) << 49;
  out->used_inodes = v->used;
  out->avail_inodes = 10u << 20;
  pthread_mutex_unlock(&v->mutex);
  return 0;
}

#endif
