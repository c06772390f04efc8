// SPDX-License-Identifier: GPL-3.0-or-later
// The plugin's keys. config/passthrough.yaml and config/fast-meta.yaml say of each why one
// would change it.
#include "config/key_table.h"
#include "config/plugin_config.h"
#include "config/yaml_schema.h"

namespace fastmeta::config {
namespace {

std::vector<Key> meta_keys() {
  return {
      url("meta.url", {"redis", "unix"},
          "Where the metadata of the volume is."),
      secret("meta.password", "Password of the server, when the URL has none."),
      plain("meta.password-file", Type::kPath, "", "A file whose first line is that password."),
      duration("meta.connect-timeout", "5s", "100ms", "5m", "For one attempt to connect."),
      duration("meta.deadline", "10s", "100ms", "10m",
               "From a command to its reply; beyond it the operation fails with EIO."),
      duration("meta.backoff-initial", "50ms", "1ms", "1m",
               "Before the first attempt to connect again; it doubles from there."),
      duration("meta.backoff-max", "2s", "1ms", "10m", "The longest pause between attempts."),
      duration("meta.ping-interval", "2s", "100ms", "1m",
               "Between questions that prove the tracking connection alive."),
      duration("meta.ping-timeout", "5s", "200ms", "5m",
               "Without an answer for so long the connection counts as lost."),
      number("meta.connections", "32", "1", "1024", "connections",
             "For transactions, at most so many at once."),
      number("meta.transaction-retries", "50", "1", "10000", "attempts",
             "When others change the same keys again and again."),
  };
}

// Of mode fast-meta alone: the local store, and what is acknowledged before it is sent.
std::vector<Key> fast_meta_keys() {
  return {
      size("cache.max-size", "10GiB", "64MiB", "64TiB",
           "Of the local store on disk; what is remembered and in no use goes first."),
      size("store.cache-size", "256MiB", "16MiB", "1TiB", "Memory of the local store."),
      choice("store.commit", "process", {"process", "flush", "disk"},
             "What an acknowledged change survives."),
      duration("store.flush-interval", "100ms", "1ms", "1m",
               "At commit level flush: between flushes of the log to disk."),
      duration("store.checkpoint-interval", "30s", "1s", "1h",
               "Between checkpoints, which bound the log and the time of the next start."),
      number("backlog.records-max", "1000000", "100", "1000000000", "changes",
             "Acknowledged and not yet sent; writers wait beyond it."),
      size("backlog.bytes-max", "1GiB", "1MiB", "1TiB", "The same, by the size of the records."),
      duration("backlog.age-max", "0", "0", "168h",
               "The same, by the age of the oldest; 0 allows any."),
      duration("backlog.stall-max", "30s", "0", "1h",
               "How long a writer waits for room before it gets ENOSPC."),
      number("sync.batch-commands", "4000", "10", "100000", "commands",
             "In one transaction on the server."),
      size("sync.batch-bytes", "1MiB", "16KiB", "64MiB", "In one transaction on the server."),
      duration("sync.linger", "0", "0", "10s", "How long a batch that is not full waits for more."),
      duration("sync.retry-initial", "50ms", "1ms", "1m",
               "Before a batch that failed is tried again; it doubles from there."),
      duration("sync.retry-max", "5s", "1ms", "10m", "The longest pause between attempts."),
      choice("sync.order", "causal", {"causal", "per-key"},
             "What others see of changes to different files."),
      duration("sync.keep-applied", "60s", "0", "24h",
               "How long changes are kept after the server has taken them."),
      number("sync.keep-applied-records", "65536", "0", "10000000", "changes",
             "How many of them at most."),
      duration("sync.keep-data", "10m", "1s", "30m",
               "How often data of changes that wait is kept from garbage collections."),
      number("conflicts.limit", "100", "1", "1000000", "conflicts a minute",
             "Beyond it the mount becomes read-only until somebody has looked."),
      choice("conflicts.content", "last", {"last", "journal"},
             "When another client wrote the same file in between."),
      plain("exclusive.remote", Type::kList, "",
            "Globs of names that are created on the server before the call returns."),
      choice("fsync.level", "local", {"local", "remote"}, "What fsync waits for."),
      duration("fsync.timeout", "30s", "100ms", "24h",
               "At level remote: how long it waits before it fails."),
      duration("umount.drain-timeout", "30s", "0", "24h",
               "How long an unmount waits for changes to be sent."),
      duration("disconnect-grace", "2s", "0", "1m",
               "A loss of the server that is shorter refuses nothing."),
  };
}

std::vector<Key> all_keys() {
  std::vector<Key> keys = {
      choice("mode", "passthrough", {"passthrough", "fast-meta"},
             "How changes reach the server."),
      plain("read-only", Type::kBool, "false", "Refuse every change with EROFS, open no session."),
      duration("skip-dir-mtime", "100ms", "0", "1h",
               "A directory's times are not written again for changes this close together."),
  };
  for (Key& key : meta_keys()) keys.push_back(std::move(key));
  const std::vector<Key> rest = {
      size("cache.memory-max", "256MiB", "0", "1TiB",
           "Memory for remembered answers; 0 remembers nothing."),
      duration("cache.ttl", "1h", "1ms", "168h", "An answer is asked for anew when it is older."),
      number("cache.listing-max", "1000000", "0", "100000000", "names",
             "A directory with more is listed from the server each time."),
      choice("cache.open", "verify", {"verify", "trust"},
             "Whether an open asks the server for the file's attributes; fast-meta never does."),
      plain("cache.dir", Type::kPath, "", "Directory of the local store; passthrough has none."),
      number("ids.inode-reserve", "1024", "1", "1048576", "ids",
             "Inode numbers taken from the server at once."),
      number("ids.slice-reserve", "4096", "1", "1048576", "ids",
             "Slice numbers taken from the server at once."),
      number("ids.low-water", "25", "0", "90", "percent",
             "What is left of a reserve when the next one is fetched in the background."),
      duration("session.heartbeat", "12s", "1s", "10m",
               "Between signs of life; other clients remove a session that gives none."),
      duration("dir-stats.flush-interval", "1s", "100ms", "1m",
               "How long changes of directory usage are gathered before they are sent."),
      duration("kernel.entry-valid", "60s", "0", "24h",
               "How long the kernel may remember a name."),
      duration("kernel.attr-valid", "60s", "0", "24h",
               "How long the kernel may remember attributes."),
      duration("kernel.negative-valid", "60s", "0", "24h",
               "How long the kernel may remember that a name does not exist."),
      plain("deletes.enabled", Type::kBool, "true", "Remove the data of deleted files."),
      number("deletes.threads", "2", "1", "64", "threads", "For removing it."),
  };
  keys.insert(keys.end(), rest.begin(), rest.end());
  for (Key& key : fast_meta_keys()) keys.push_back(std::move(key));
  return keys;
}

}  // namespace

const Schema& plugin_schema() {
  static const Schema schema(all_keys(), std::vector<std::string>{"host"});
  return schema;
}

}  // namespace fastmeta::config
