// SPDX-License-Identifier: GPL-3.0-or-later
// Where objects are kept. Objects are written once and never change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fastmeta::host {

// All calls return 0 or -errno and may come from many threads. -ENOENT: there is
// no such object; -EBADMSG: there is one, of another length than asked for.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // The object is there completely or not at all.
  virtual int put(const std::string& name, const char* data, size_t size) = 0;
  // What was put under these names survives a power loss. One that is gone is nothing to lose.
  virtual int sync(const std::vector<std::string>& names) = 0;
  // The same for all that was put.
  virtual int sync_all() = 0;
  // The whole object; more than `most` bytes is -EBADMSG.
  virtual int get(const std::string& name, size_t most, std::vector<char>* out) = 0;
  // Bytes [off, off + n) of an object that must be `whole` bytes long.
  virtual int get_range(const std::string& name, size_t whole, size_t off, size_t n,
                        char* out) = 0;
  virtual int size_of(const std::string& name, uint64_t* size) = 0;
  // The same for one that no record names yet: it counts as new from now on, so that no
  // garbage collection takes it for a leftover, and is brought back if one has.
  virtual int keep(const std::string& name, uint64_t* size) = 0;
  // Called now and then: time for what keep() has to look after.
  virtual void tend() = 0;
  // One that is not there is gone already: 0.
  virtual int remove(const std::string& name) = 0;

  // A part costs no more than its share of the object, and reading it again is
  // served from memory: a cache of our own in front would only copy.
  virtual bool cheap_ranges() const = 0;
  // Only with cheap ranges: it will be read soon.
  virtual void will_need(const std::string& name) = 0;
};

}  // namespace fastmeta::host
