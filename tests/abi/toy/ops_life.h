/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Life cycle, and a second client: control verbs change the tree as another machine
 * would, and tell the host.
 *
 *   remote-write   {"path": "/dir/file", "length": 7}   new length and mtime, zeros
 *   remote-create  {"path": "/dir/file"}
 *   remote-unlink  {"path": "/dir/file"}
 *   remote-chmod   {"path": "/dir/file", "mode": 448}
 *   …; with "quiet": 1 the host is not told, as if the news were still on its way
 */
#ifndef TOY_OPS_LIFE_H
#define TOY_OPS_LIFE_H

#include <stdio.h>

#include "ops_files.h"

static const mdp_caller toy_remote = {.struct_size = sizeof(mdp_caller)};

static int toy_op_probe(const mdp_open_args *args, char *json, size_t cap, char *why,
                        size_t why_cap) {
  (void)args;
  (void)why;
  (void)why_cap;
  if (cap < 3) return -ERANGE;
  strcpy(json, "{}");
  return 0;
}

static int toy_op_open_volume(const mdp_open_args *args, const mdp_host *host, mdp_volume **out,
                              char *why, size_t why_cap) {
  static const char scheme[] = "toy://";
  if (!args->meta_url || strncmp(args->meta_url, scheme, sizeof scheme - 1) != 0) {
    snprintf(why, why_cap, "a toy volume is named toy:///its/bucket");
    return -EINVAL;
  }
  mdp_volume *v = calloc(1, sizeof *v);
  if (!v) return -ENOMEM;
  pthread_mutex_init(&v->mutex, NULL);
  pthread_cond_init(&v->unlocked, NULL);
  memcpy(&v->host, host, host->struct_size < sizeof *host ? host->struct_size : sizeof *host);
  snprintf(v->bucket, sizeof v->bucket, "%s", args->meta_url + sizeof scheme - 1);
  v->valid_ms = 3600 * 1000;
  for (size_t i = 0; i < args->option_count; ++i) {
    sscanf(args->options[i], "toy.valid-ms=%u", &v->valid_ms);
    sscanf(args->options[i], "toy.backlog=%u", &v->backlog);
  }
  struct toy_node *root = toy_make(v, &toy_remote, S_IFDIR | 0777);
  if (!root) return -ENOMEM;
  root->parent = MDP_ROOT_INO;
  *out = v;
  return 0;
}

static int toy_op_start(mdp_volume *v, char *why, size_t cap) {
  (void)v;
  (void)why;
  (void)cap;
  return 0;
}

static int toy_op_stop(mdp_volume *v, int mode, uint32_t timeout_ms) {
  static const char text[] = "toy: stop mode ";
  char line[sizeof text + 12];
  const int len = snprintf(line, sizeof line, "%s%d", text, mode);
  (void)timeout_ms;
  v->host.log(v->host.ctx, MDP_LOG_INFO, line, (size_t)len);
  return v->backlog ? -EAGAIN : 0;
}

static void toy_op_close_volume(mdp_volume *v) {
  for (size_t i = 0; i < TOY_BUCKETS; ++i)
    for (struct toy_entry *next; v->names[i]; v->names[i] = next) {
      next = v->names[i]->chain;
      free(v->names[i]);
    }
  memset(&v->host, 0, sizeof v->host); /* stopped: objects stay */
  for (uint64_t ino = 1; ino < v->next_ino; ++ino) {
    struct toy_node *node = v->nodes[ino];
    if (!node) continue;
    node->attr.nlink = 0;
    node->open_count = 0;
    toy_free_if_unused(v, node);
  }
  free(v->nodes);
  free(v->slice_refs);
  free(v);
}

static int toy_op_describe(mdp_volume *v, char *json, size_t cap) {
  const int len = snprintf(json, cap,
                           "{\"Name\":\"toy\",\"UUID\":\"toy\",\"Storage\":\"file\","
                           "\"Bucket\":\"%s/\",\"BlockSize\":4096,\"Compression\":\"none\"}",
                           v->bucket);
  return len < 0 || (size_t)len >= cap ? -ERANGE : 0;
}

static int toy_op_health(mdp_volume *v, mdp_health *out) {
  const uint32_t size = out->struct_size;
  memset(out, 0, size < sizeof *out ? size : sizeof *out);
  out->struct_size = size;
  out->state = MDP_WRITABLE;
  out->backlog = v->backlog;
  return 0;
}

/* ---- the other client */

static inline long toy_number(const char *request, const char *field, long otherwise) {
  const char *at = strstr(request, field);
  long value;
  return at && sscanf(at + strlen(field), "\":%ld", &value) == 1 ? value : otherwise;
}

/* The directory of "path" and the last name in it. */
static inline int toy_walk(mdp_volume *v, const char *request, uint64_t *parent, char *name) {
  char path[4096];
  const char *at = strstr(request, "\"path\":\"");
  if (!at || sscanf(at + 8, "%4095[^\"]", path) != 1) return -EINVAL;
  *parent = MDP_ROOT_INO;
  char *save, *part = strtok_r(path, "/", &save);
  if (!part) return -EINVAL;
  for (char *next; (next = strtok_r(NULL, "/", &save)); part = next) {
    const struct toy_entry *entry = toy_find(v, *parent, part, strlen(part));
    if (!entry) return -ENOENT;
    *parent = entry->ino;
  }
  snprintf(name, MDP_NAME_MAX + 1, "%s", part);
  return 0;
}

/* What the other client does; ino is that of the name, 0 when it is not there. */
static inline int toy_remote_change(mdp_volume *v, const char *verb, const char *request,
                                    uint64_t parent, const char *name, uint64_t ino,
                                    uint32_t *what) {
  struct toy_node *node = toy_node(v, ino);
  *what = MDP_INVAL_ATTR;
  if (strcmp(verb, "remote-create") == 0)
    return toy_new(v, &toy_remote, parent, name, strlen(name), S_IFREG | 0644, &node);
  if (!node) return -ENOENT;
  if (strcmp(verb, "remote-unlink") == 0) return toy_remove(v, parent, name, strlen(name), 0);
  if (strcmp(verb, "remote-chmod") == 0) {
    node->attr.mode = (node->attr.mode & S_IFMT) | (uint32_t)toy_number(request, "mode", 0644);
    toy_touch(node, 0);
    return 0;
  }
  *what = MDP_INVAL_ATTR | MDP_INVAL_DATA;
  const uint64_t length = (uint64_t)toy_number(request, "length", 0);
  const int rc = toy_zero(v, node, 0, length);
  node->attr.length = length;
  toy_touch(node, 1);
  return rc;
}

#if MDP_ABI_MINOR >= 1
/* Two records and no conflict, whatever the directory. */
static int toy_op_inspect(const mdp_open_args *args, const char *verb, const char *request,
                          char *reply, size_t cap, char *why, size_t why_cap) {
  static const char record[] = "{\"seq\":%d,\"time\":\"then\",\"op\":\"create\",\"ino\":7,"
                               "\"parent\":1,\"name\":\"n\",\"uid\":0,\"pid\":9}";
  const long after = toy_number(request, "after", 0);
  int len = -1;
  if (!args->cache_dir) {
    snprintf(why, why_cap, "toy: no cache directory");
    return -EINVAL;
  }
  if (strcmp(verb, "oplog") == 0 && after < 2) {
    char one[256];
    snprintf(one, sizeof one, record, (int)after + 1);
    len = snprintf(reply, cap, "{\"records\":[%s],\"more\":%s}", one, after ? "false" : "true");
  } else if (strcmp(verb, "oplog") == 0) {
    len = snprintf(reply, cap, "{\"records\":[],\"more\":false}");
  } else if (strcmp(verb, "oplog-record") == 0) {
    len = snprintf(reply, cap, record, (int)toy_number(request, "seq", 0));
  } else if (strcmp(verb, "conflicts") == 0) {
    len = snprintf(reply, cap, "{\"conflicts\":[],\"more\":false}");
  } else if (strcmp(verb, "cache-check") == 0) {
    len = snprintf(reply, cap, "{\"damage\":\"a torn page\"}");
  } else if (strcmp(verb, "cache-drop") == 0) {
    if (toy_number(request, "records", 0) == 2) {
      len = snprintf(reply, cap, "{}");
    } else {
      snprintf(why, why_cap, "2 changes would be lost");
      return -EBUSY;
    }
  } else {
    return -ENOTSUP;
  }
  return len < 0 || (size_t)len >= cap ? -ERANGE : 0;
}
#endif

static int toy_op_control(mdp_volume *v, const char *verb, const char *request, char *reply,
                          size_t cap) {
  if (cap < 64) return -ERANGE;
  if (strcmp(verb, "help") == 0) {
    strcpy(reply, "{\"verbs\":[\"remote-write\",\"remote-create\"]}");
    return 0;
  }
  if (strcmp(verb, "flush") == 0 && v->backlog) {
    snprintf(reply, cap, "{\"left\":%u}", v->backlog);
    return 0;
  }
  if (strcmp(verb, "sacrifice") == 0) {
    v->sacrificed = (uint64_t)toy_number(request, "ino", 0);
    strcpy(reply, "{}");
    return 0;
  }
  if (strncmp(verb, "remote-", 7) != 0) return -ENOTSUP;
  uint64_t parent = 0, ino = 0;
  uint32_t what = 0;
  char name[MDP_NAME_MAX + 1];
  pthread_mutex_lock(&v->mutex);
  int rc = toy_walk(v, request, &parent, name);
  if (!rc) {
    const struct toy_entry *entry = toy_find(v, parent, name, strlen(name));
    ino = entry ? entry->ino : 0;
    rc = toy_remote_change(v, verb, request, parent, name, ino, &what);
  }
  pthread_mutex_unlock(&v->mutex);
  if (!rc && !toy_number(request, "quiet", 0)) {
    if (ino) v->host.invalidate_inode(v->host.ctx, ino, what);
    if (!(what & MDP_INVAL_DATA)) {
      v->host.invalidate_entry(v->host.ctx, parent, name, strlen(name));
      v->host.invalidate_inode(v->host.ctx, parent, MDP_INVAL_ATTR | MDP_INVAL_DATA);
    }
    rc = v->host.invalidate_barrier(v->host.ctx, 5000);
  }
  if (!rc) strcpy(reply, "{}");
  return rc;
}

#endif
