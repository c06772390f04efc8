// SPDX-License-Identifier: GPL-3.0-or-later
// The plugin's keys. config/passthrough.yaml says of each why one would change it.
#include "config/key_table.h"
#include "config/plugin_config.h"
#include "config/yaml_schema.h"

namespace fastmeta::config {
namespace {

std::vector<Key> meta_keys() {
  return {
      url("meta.url", {"redis", "rediss", "unix"},
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
             "Whether an open asks the server for the file's attributes."),
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
  return keys;
}

}  // namespace

const Schema& plugin_schema() {
  static const Schema schema(all_keys(), std::vector<std::string>{"host"});
  return schema;
}

}  // namespace fastmeta::config
