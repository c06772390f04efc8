/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Attributes and extended attributes. */
#ifndef TOY_OPS_ATTRS_H
#define TOY_OPS_ATTRS_H

#include "ops_names.h"

static int toy_op_getattr(mdp_volume *v, const mdp_caller *who, uint64_t ino, mdp_entry *out) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  const struct toy_node *node = toy_node(v, ino);
  if (node) *out = toy_answer(v, node);
  pthread_mutex_unlock(&v->mutex);
  return node ? 0 : -ENOENT;
}

static inline void toy_set_attr(struct toy_node *node, const mdp_setattr *set) {
  mdp_attr *attr = &node->attr;
  const uint32_t what = set->set;
  toy_touch(node, 0);
  if (what & (MDP_SET_UID | MDP_SET_GID | MDP_SET_KILL_SUID) && S_ISREG(attr->mode)) {
    attr->mode &= ~(uint32_t)S_ISUID;
    if (attr->mode & S_IXGRP) attr->mode &= ~(uint32_t)S_ISGID;
  }
  if (what & MDP_SET_MODE) attr->mode = (attr->mode & S_IFMT) | (set->mode & 07777);
  if (what & MDP_SET_UID) attr->uid = set->uid;
  if (what & MDP_SET_GID) attr->gid = set->gid;
  if (what & MDP_SET_FLAGS) attr->flags = set->flags;
  if (what & MDP_SET_ATIME) attr->atime = set->atime, attr->atime_nsec = set->atime_nsec;
  if (what & MDP_SET_MTIME) attr->mtime = set->mtime, attr->mtime_nsec = set->mtime_nsec;
  if (what & MDP_SET_ATIME_NOW) attr->atime = attr->ctime, attr->atime_nsec = attr->ctime_nsec;
  if (what & MDP_SET_MTIME_NOW) attr->mtime = attr->ctime, attr->mtime_nsec = attr->ctime_nsec;
  if (what & MDP_SET_CTIME) attr->ctime = set->ctime, attr->ctime_nsec = set->ctime_nsec;
}

static int toy_op_setattr(mdp_volume *v, const mdp_caller *who, uint64_t ino,
                          const mdp_setattr *set, mdp_entry *out) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node = toy_node(v, ino);
  if (node) {
    toy_set_attr(node, set);
    *out = toy_answer(v, node);
  }
  pthread_mutex_unlock(&v->mutex);
  return node ? 0 : -ENOENT;
}

/* Where the attribute hangs, or where one would be put. */
static inline struct toy_xattr **toy_xattr_at(struct toy_node *node, const char *name,
                                              size_t len) {
  struct toy_xattr **at = &node->xattrs;
  while (*at && !(strlen((*at)->name) == len && memcmp((*at)->name, name, len) == 0))
    at = &(*at)->next;
  return at;
}

static int toy_op_setxattr(mdp_volume *v, const mdp_caller *who, uint64_t ino, const char *name,
                           size_t len, const void *value, size_t size, uint32_t flags) {
  enum { CREATE = 1, REPLACE = 2 };
  (void)who;
  if (len >= sizeof((struct toy_xattr *)0)->name) return -ERANGE;
  char *copy = malloc(size + 1);
  if (!copy) return -ENOMEM;
  if (size) memcpy(copy, value, size);
  int rc = 0;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node = toy_node(v, ino);
  struct toy_xattr **at = node ? toy_xattr_at(node, name, len) : NULL;
  if (!node) {
    rc = -ENOENT;
  } else if (*at && flags & CREATE) {
    rc = -EEXIST;
  } else if (!*at && flags & REPLACE) {
    rc = -ENODATA;
  } else if (!*at && !(*at = calloc(1, sizeof **at))) {
    rc = -ENOMEM;
  } else {
    memcpy((*at)->name, name, len);
    free((*at)->value);
    (*at)->value = copy;
    (*at)->size = size;
    toy_touch(node, 0);
  }
  pthread_mutex_unlock(&v->mutex);
  if (rc) free(copy);
  return rc;
}

static int toy_op_getxattr(mdp_volume *v, const mdp_caller *who, uint64_t ino, const char *name,
                           size_t len, void *buf, size_t cap, size_t *size) {
  (void)who;
  int rc = 0;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node = toy_node(v, ino);
  const struct toy_xattr *found = node ? *toy_xattr_at(node, name, len) : NULL;
  if (!found) {
    rc = node ? -ENODATA : -ENOENT;
  } else if (cap && cap < found->size) {
    rc = -ERANGE;
  } else {
    *size = found->size;
    if (cap) memcpy(buf, found->value, found->size);
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_listxattr(mdp_volume *v, const mdp_caller *who, uint64_t ino, char *buf,
                            size_t cap, size_t *size) {
  (void)who;
  int rc = 0;
  size_t need = 0;
  pthread_mutex_lock(&v->mutex);
  const struct toy_node *node = toy_node(v, ino);
  if (!node) rc = -ENOENT;
  for (const struct toy_xattr *at = node ? node->xattrs : NULL; at; at = at->next)
    need += strlen(at->name) + 1;
  if (!rc && cap && cap < need) rc = -ERANGE;
  if (!rc) *size = need;
  if (!rc && cap) {
    for (const struct toy_xattr *at = node->xattrs; at; at = at->next) {
      strcpy(buf, at->name);
      buf += strlen(at->name) + 1;
    }
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_removexattr(mdp_volume *v, const mdp_caller *who, uint64_t ino,
                              const char *name, size_t len) {
  (void)who;
  int rc = 0;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node = toy_node(v, ino);
  struct toy_xattr **at = node ? toy_xattr_at(node, name, len) : NULL;
  if (!node) {
    rc = -ENOENT;
  } else if (!*at) {
    rc = -ENODATA;
  } else {
    struct toy_xattr *gone = *at;
    *at = gone->next;
    free(gone->value);
    free(gone);
    toy_touch(node, 0);
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

#endif
