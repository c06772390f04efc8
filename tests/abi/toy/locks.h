/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Locks of one inode: byte ranges and flock, the latter as a range of everything. */
#ifndef TOY_LOCKS_H
#define TOY_LOCKS_H

#include "tree.h"

static inline struct toy_lock *toy_conflict(struct toy_lock *list, uint64_t owner,
                                            const mdp_lock *want) {
  for (; list; list = list->next) {
    if (list->owner == owner) continue;
    if (list->range.end < want->start || want->end < list->range.start) continue;
    if (list->range.type == MDP_LOCK_WRITE || want->type == MDP_LOCK_WRITE) return list;
  }
  return NULL;
}

static inline int toy_add_lock(struct toy_lock **list, uint64_t owner, mdp_lock range) {
  struct toy_lock *lock = calloc(1, sizeof *lock);
  if (!lock) return -ENOLCK;
  lock->owner = owner;
  lock->range = range;
  lock->next = *list;
  *list = lock;
  return 0;
}

/* The owner's locks over the range give way to the new one. */
static inline int toy_set_lock(struct toy_lock **list, uint64_t owner, const mdp_lock *want) {
  for (struct toy_lock **at = list; *at;) {
    struct toy_lock *lock = *at;
    if (lock->owner != owner || lock->range.end < want->start || want->end < lock->range.start) {
      at = &lock->next;
      continue;
    }
    const mdp_lock old = lock->range;
    *at = lock->next;
    free(lock);
    if (old.start < want->start) {
      mdp_lock head = old;
      head.end = want->start - 1;
      if (toy_add_lock(list, owner, head)) return -ENOLCK;
    }
    if (old.end > want->end) {
      mdp_lock tail = old;
      tail.start = want->end + 1;
      if (toy_add_lock(list, owner, tail)) return -ENOLCK;
    }
    at = list; /* the list has changed */
    if (old.start >= want->start && old.end <= want->end) continue;
    /* What was put back lies outside of the range, so this ends. */
  }
  return want->type == MDP_LOCK_NONE ? 0 : toy_add_lock(list, owner, *want);
}

/* Holds the volume's mutex on entry and exit. */
static inline int toy_take_lock(mdp_volume *v, const mdp_caller *who, uint64_t ino, int flock,
                                uint64_t owner, const mdp_lock *want, int wait) {
  for (;;) {
    struct toy_node *node = toy_node(v, ino);
    if (!node) return -ENOENT;
    struct toy_lock **list = flock ? &node->flocks : &node->posix_locks;
    if (want->type == MDP_LOCK_NONE || !toy_conflict(*list, owner, want)) {
      const int rc = toy_set_lock(list, owner, want);
      pthread_cond_broadcast(&v->unlocked);
      return rc;
    }
    if (!wait) return -EAGAIN;
    if (who->interrupted && who->interrupted(who->interrupted_ctx)) return -EINTR;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20 * 1000 * 1000;
    if (until.tv_nsec >= 1000000000) {
      until.tv_nsec -= 1000000000;
      ++until.tv_sec;
    }
    pthread_cond_timedwait(&v->unlocked, &v->mutex, &until);
  }
}

#endif
