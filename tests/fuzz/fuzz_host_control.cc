// SPDX-License-Identifier: GPL-3.0-or-later
// Both ends of the control socket against whoever is at the other: any bytes to the server,
// which answers each line and nothing else; any bytes as the answer to a command, which has a
// text for it whatever it is.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "cli/answer_text.h"
#include "cli/pages.h"
#include "control/client.h"
#include "control/server.h"
#include "control/unix_socket.h"

namespace {

using namespace fastmeta::host;
using Json = nlohmann::json;

void check(bool holds) {
  if (!holds) std::abort();
}

// Nothing that a terminal would obey.
void harmless(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    check(byte == '\n' || (byte >= ' ' && byte != 0x7f));
    check(byte != 0xc2 || i + 1 == text.size() || static_cast<unsigned char>(text[i + 1]) >= 0xa0);
  }
}

// Our server, and a stranger who sends what he is told to and leaves.
class Ends {
 public:
  Ends() {
    std::string name = "/tmp/fuzz-control-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::string why;
    server_ = ControlServer::listen(
        served(), nullptr,
        [](const ControlRequest& request) {
          check(Json::parse(request.args).is_object());
          return format_answer(request.args);
        },
        &why);
    listener_ = listen_unix(strange(), false, &why);
    check(server_ != nullptr && listener_ >= 0);
    std::thread([this] {
      for (int connection; (connection = ::accept(listener_, nullptr, nullptr)) >= 0;) {
        char request[256];
        (void)!::recv(connection, request, sizeof request, 0);
        std::lock_guard lock(mutex_);
        send_all(connection, answer_);
        ::close(connection);
      }
    }).detach();
  }
  ~Ends() {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::string served() const { return folder_ + "/served"; }
  std::string strange() const { return folder_ + "/strange"; }
  void will_answer(std::string_view bytes) {
    std::lock_guard lock(mutex_);
    answer_ = bytes;
  }

 private:
  std::string folder_;
  std::unique_ptr<ControlServer> server_;
  int listener_ = -1;
  std::mutex mutex_;
  std::string answer_;
};

void to_server(const Ends& ends, std::string_view bytes) {
  std::string why, got;
  const int fd = connect_unix(ends.served(), &why);
  check(fd >= 0);
  send_all(fd, std::string(bytes));
  ::shutdown(fd, SHUT_WR);
  char part[4096];
  for (ssize_t n; (n = ::recv(fd, part, sizeof part, 0)) > 0;)
    got.append(part, static_cast<size_t>(n));
  ::close(fd);
  const auto lines = std::count(bytes.begin(), bytes.end(), '\n');
  check(std::count(got.begin(), got.end(), '\n') == lines);
  for (size_t at = 0; at < got.size();) {
    const size_t end = got.find('\n', at);
    check(end != std::string::npos && parse_reply(std::string_view(got).substr(at, end - at)));
    at = end + 1;
  }
}

void to_command(Ends& ends, std::string_view bytes) {
  ends.will_answer(bytes);
  std::string why;
  const auto reply =
      ask(ends.strange(), ::geteuid(), {"status", "{}"}, std::chrono::seconds(10), &why);
  check(reply || !why.empty());
  if (!reply) return;
  harmless(printable(reply->text));
  if (!reply->ok) return;
  const Json json = Json::parse(reply->text, nullptr, false);
  check(!json.is_discarded());
  harmless(status_text(json));
  harmless(status_text({{"detail", json}}));
  harmless(flat_text(json));
  (void)number_at(json, "/left");
  for (const Pages& pages : {kRecordPages, kConflictPages}) {
    int asked = 0;
    const AskPage page = [&](const std::string&, const std::string& request) {
      check(Json::parse(request).is_object());
      check(++asked < 10'000);
      return std::optional(json);
    };
    (void)for_each_item(page, pages, true, [](const Json& item) {
      harmless(record_text(item));
      harmless(conflict_text(item));
      return true;
    });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Ends ends;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string why;
  if (const auto request = parse_request(bytes, &why)) {
    const std::string line = format_request(*request);
    const auto again = parse_request(std::string_view(line).substr(0, line.size() - 1), &why);
    check(again && again->verb == request->verb && again->args == request->args);
  } else {
    check(!why.empty());
  }
  (void)parse_reply(bytes);
  const std::string told = format_answer(std::string(bytes));
  check(parse_reply(std::string_view(told).substr(0, told.size() - 1)).has_value());
  to_server(ends, bytes);
  to_command(ends, bytes);
  return 0;
}
