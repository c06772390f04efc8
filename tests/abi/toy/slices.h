/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chunks: lists of slice records, and what of them is visible. */
#ifndef TOY_SLICES_H
#define TOY_SLICES_H

#include "tree.h"

static inline int toy_count_slice(mdp_volume *v, uint64_t id) {
  if (id == 0) return 0;
  if (id >= v->slice_room) {
    const uint64_t room = 2 * id + 1024;
    uint32_t *more = realloc(v->slice_refs, room * sizeof *more);
    if (!more) return -ENOMEM;
    memset(more + v->slice_room, 0, (room - v->slice_room) * sizeof *more);
    v->slice_refs = more;
    v->slice_room = room;
  }
  ++v->slice_refs[id];
  return 0;
}

static inline int toy_push(mdp_volume *v, struct toy_node *node, uint32_t chunk, mdp_slice slice) {
  if (chunk >= node->chunk_count) {
    struct toy_chunk *more = realloc(node->chunks, (chunk + 1) * sizeof *more);
    if (!more) return -ENOMEM;
    memset(more + node->chunk_count, 0, (chunk + 1 - node->chunk_count) * sizeof *more);
    node->chunks = more;
    node->chunk_count = chunk + 1;
  }
  struct toy_chunk *at = &node->chunks[chunk];
  if (at->count == at->room) {
    const size_t room = at->room ? 2 * at->room : 8;
    mdp_slice *more = realloc(at->records, room * sizeof *more);
    if (!more) return -ENOMEM;
    at->records = more;
    at->room = room;
  }
  if (toy_count_slice(v, slice.id) != 0) return -ENOMEM;
  at->records[at->count++] = slice;
  return 0;
}

/* Zeros over [from, to) of the file. */
static inline int toy_zero(mdp_volume *v, struct toy_node *node, uint64_t from, uint64_t to) {
  while (from < to) {
    const uint32_t chunk = (uint32_t)(from / MDP_CHUNK_BYTES);
    if (chunk >= node->chunk_count) break; /* nothing is written there: zeros */
    const uint32_t pos = (uint32_t)(from % MDP_CHUNK_BYTES);
    uint64_t len = MDP_CHUNK_BYTES - pos;
    if (len > to - from) len = to - from;
    const mdp_slice zeros = {0, pos, (uint32_t)len, 0, (uint32_t)len};
    const int rc = toy_push(v, node, chunk, zeros);
    if (rc) return rc;
    from += len;
  }
  return 0;
}

/* The slices of a file that is gone; objects of those that nobody else has go too. */
static inline void toy_free_data(mdp_volume *v, struct toy_node *node) {
  for (size_t chunk = 0; chunk < node->chunk_count; ++chunk) {
    for (size_t i = 0; i < node->chunks[chunk].count; ++i) {
      const mdp_slice *slice = &node->chunks[chunk].records[i];
      if (slice->id && --v->slice_refs[slice->id] == 0 && v->host.delete_slice)
        v->host.delete_slice(v->host.ctx, slice->id, slice->size);
    }
    free(node->chunks[chunk].records);
  }
  free(node->chunks);
}

/* The newest record that covers `pos`, and where its view ends. */
static inline mdp_slice toy_visible(const struct toy_chunk *chunk, uint64_t pos) {
  uint64_t end = MDP_CHUNK_BYTES;
  for (size_t i = chunk->count; i-- > 0;) {
    const mdp_slice *slice = &chunk->records[i];
    const uint64_t slice_end = (uint64_t)slice->pos + slice->len;
    if (slice->pos <= pos && pos < slice_end) {
      mdp_slice out = *slice;
      if (slice_end < end) end = slice_end;
      if (out.id) out.off += (uint32_t)(pos - slice->pos);
      out.pos = (uint32_t)pos;
      out.len = (uint32_t)(end - pos);
      return out;
    }
    if (slice->pos > pos && slice->pos < end) end = slice->pos;
  }
  const mdp_slice hole = {0, (uint32_t)pos, (uint32_t)(end - pos), 0, (uint32_t)(end - pos)};
  return hole;
}

static inline uint64_t toy_chunk_end(const struct toy_chunk *chunk) {
  uint64_t end = 0;
  for (size_t i = 0; i < chunk->count; ++i) {
    const uint64_t slice_end = (uint64_t)chunk->records[i].pos + chunk->records[i].len;
    if (slice_end > end) end = slice_end;
  }
  return end;
}

#endif
