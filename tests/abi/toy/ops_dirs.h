/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Directories, read by cookie. */
#ifndef TOY_OPS_DIRS_H
#define TOY_OPS_DIRS_H

#include "ops_names.h"

struct mdp_dir {
  uint64_t ino;
};

static int toy_op_opendir(mdp_volume *v, const mdp_caller *who, uint64_t ino, mdp_dir **out) {
  (void)who;
  pthread_mutex_lock(&v->mutex);
  struct toy_node *dir;
  int rc = toy_dir(v, ino, &dir);
  if (!rc && !(*out = calloc(1, sizeof **out))) rc = -ENOMEM;
  if (!rc) {
    (*out)->ino = ino;
    ++dir->open_count;
  }
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static inline int toy_read(mdp_volume *v, const mdp_dir *dir, uint64_t cookie, mdp_dirent *out,
                           size_t cap, char *names, size_t names_cap, size_t *count, int plus) {
  size_t at = 0, used = 0;
  const struct toy_entry *entry = v->nodes[dir->ino]->first;
  for (; entry; entry = entry->next) {
    if (entry->cookie <= cookie) continue;
    if (at == cap || names_cap - used < entry->len) break;
    const struct toy_node *node = v->nodes[entry->ino];
    mdp_dirent *to = &out[at++];
    memset(to, 0, sizeof *to);
    to->ino = entry->ino;
    to->cookie = entry->cookie;
    to->name_at = (uint32_t)used;
    to->name_len = (uint32_t)entry->len;
    to->type = node->attr.mode & S_IFMT;
    if (plus) {
      to->have_entry = 1;
      to->entry = toy_answer(v, node);
    }
    memcpy(names + used, entry->name, entry->len);
    used += entry->len;
  }
  *count = at;
  return 0;
}

static int toy_op_readdir(mdp_volume *v, mdp_dir *dir, uint64_t cookie, mdp_dirent *out,
                          size_t cap, char *names, size_t names_cap, size_t *count) {
  pthread_mutex_lock(&v->mutex);
  const int rc = toy_read(v, dir, cookie, out, cap, names, names_cap, count, 0);
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static int toy_op_readdirplus(mdp_volume *v, mdp_dir *dir, uint64_t cookie, mdp_dirent *out,
                              size_t cap, char *names, size_t names_cap, size_t *count) {
  pthread_mutex_lock(&v->mutex);
  const int rc = toy_read(v, dir, cookie, out, cap, names, names_cap, count, 1);
  pthread_mutex_unlock(&v->mutex);
  return rc;
}

static void toy_op_closedir(mdp_volume *v, mdp_dir *dir) {
  pthread_mutex_lock(&v->mutex);
  struct toy_node *node = v->nodes[dir->ino];
  --node->open_count;
  toy_free_if_unused(v, node);
  pthread_mutex_unlock(&v->mutex);
  free(dir);
}

#endif
