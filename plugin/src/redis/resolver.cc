// SPDX-License-Identifier: GPL-3.0-or-later
#include "redis/resolver.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include <thread>
#include <utility>

namespace fastmeta::redis {
namespace {

using Addresses = std::vector<SocketAddress>;

Result<Addresses> look_up(const std::string& host, uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  int failure = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failure != 0) return Error{Fault::kDisconnected, EIO, ::gai_strerror(failure)};

  Addresses addresses;
  for (addrinfo* one = found; one != nullptr; one = one->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    address.size = one->ai_addrlen;
    memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
  }
  ::freeaddrinfo(found);
  return addresses;
}

// A thread that is left behind runs our code: the library must not be unloaded.
void stay_loaded() {
  Dl_info self{};
  if (::dladdr(reinterpret_cast<void*>(&stay_loaded), &self) != 0)
    ::dlopen(self.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

}  // namespace

struct Resolver::Lookup {
  Lookup(std::string h, uint16_t p) : host(std::move(h)), port(p) {}

  const std::string host;
  const uint16_t port;
  Event done;  // set when the answer is there
  std::mutex mutex;
  Result<Addresses> answer = Addresses{};  // guarded by mutex
};

Result<Addresses> Resolver::resolve(const std::string& host, uint16_t port, Deadline deadline,
                                    const Event& stop) {
  if (auto numeric = look_up(host, port, AI_NUMERICHOST)) return numeric;

  std::unique_lock lock(mutex_);
  std::shared_ptr<Lookup> lookup = pending_;
  std::thread thread;
  if (!lookup) {
    pending_ = lookup = std::make_shared<Lookup>(host, port);
    thread = std::thread([lookup] {
      auto answer = look_up(lookup->host, lookup->port, AI_ADDRCONFIG);
      {
        std::lock_guard own(lookup->mutex);
        lookup->answer = std::move(answer);
      }
      lookup->done.set();
    });
  }
  lock.unlock();

  Ready ready = wait_for(lookup->done.fd(), POLLIN, deadline, stop);
  if (ready != Ready::kReady) {
    if (thread.joinable()) {
      stay_loaded();
      thread.detach();
    }
    if (ready == Ready::kStopped) return Error{Fault::kDisconnected, EIO, "stopped"};
    return Error{Fault::kDisconnected, EIO, "the name look-up gave no answer in time"};
  }
  if (thread.joinable()) thread.join();
  lock.lock();
  if (pending_ == lookup) pending_.reset();
  lock.unlock();
  std::lock_guard own(lookup->mutex);
  return lookup->answer;
}

}  // namespace fastmeta::redis
