// SPDX-License-Identifier: GPL-3.0-or-later
// No message shows a part of the URL: a password with an unescaped '@', '/' or
// ':' may be in any of them.
#include "redis/address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "util/bytes.h"
#include "util/log.h"

namespace fastmeta::redis {
namespace {

Error bad(std::string_view why) {
  return {Fault::kConfig, EINVAL, fmt::format("metadata URL: {}", why)};
}

Error unsupported(std::string_view what) {
  return {Fault::kConfig, EPROTONOSUPPORT,
          fmt::format("metadata URL: {} is not supported by this version", what)};
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// plus: '+' means a blank, as in query parameters.
std::optional<std::string> unescape(std::string_view text, bool plus = false) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      auto high = hex_digit(text[i + 1]);
      auto low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      out.push_back(static_cast<char>(*high * 16 + *low));
      i += 2;
    }
  }
  return out;
}

// The parts of scheme://authority/path?query, as they are written.
struct Parts {
  std::string_view scheme = "redis";
  std::string_view authority;
  std::string_view path;
  std::string_view query;
};

Result<Parts> split(std::string_view url) {
  for (char c : url) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      return bad("has a blank or a control character; write it as %20, %0A …");
  }
  Parts parts;
  if (size_t at = url.find("://"); at != std::string_view::npos) {
    parts.scheme = url.substr(0, at);
    url.remove_prefix(at + 3);
  }
  if (url.empty()) return bad("names no server");
  if (url.find('#') != std::string_view::npos)
    return bad("'#' has no meaning here; in a user or password write it as %23");
  if (size_t at = url.find('?'); at != std::string_view::npos) {
    parts.query = url.substr(at + 1);
    url = url.substr(0, at);
  }
  size_t slash = url.find('/');
  parts.authority = url.substr(0, slash);
  if (slash != std::string_view::npos) parts.path = url.substr(slash);
  return parts;
}

Result<void> read_user(std::string_view& authority, Address& out) {
  size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return {};
  std::string_view user = authority.substr(0, at);
  authority.remove_prefix(at + 1);
  std::string_view password;
  if (size_t colon = user.find(':'); colon != std::string_view::npos) {
    password = user.substr(colon + 1);
    user = user.substr(0, colon);
  }
  auto plain_user = unescape(user);
  auto plain_password = unescape(password);
  if (!plain_user || !plain_password)
    return bad("a '%' in the user or password must be followed by two hexadecimal digits "
               "(write '%' itself as %25)");
  out.user = std::move(*plain_user);
  out.password = std::move(*plain_password);
  return {};
}

Result<void> read_host(std::string_view authority, Address& out) {
  if (size_t comma = authority.find(','); comma != std::string_view::npos) {
    // A master's name has no port, the first node of a cluster has one.
    bool sentinel = comma < authority.find(':');
    return unsupported(sentinel ? "Redis Sentinel (a list of hosts behind a master's name)"
                                : "Redis Cluster (a list of hosts with ports)");
  }
  std::string_view host = authority;
  std::string_view port;
  if (host.starts_with('[')) {
    size_t end = host.find(']');
    if (end == std::string_view::npos) return bad("the ']' behind an IPv6 address is missing");
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    if (!port.empty() && port.front() != ':') return bad("behind ']' only :port may follow");
    if (host.find(':') == std::string_view::npos) return bad("no IPv6 address in []");
  } else if (size_t colon = host.find(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
    if (port.find(':', 1) != std::string_view::npos)
      return bad("more than one ':' in the host (write an IPv6 address in [])");
  }
  if (host.find_first_of("[]") != std::string_view::npos)
    return bad("'[' and ']' may only stand around an IPv6 address");
  if (!port.empty()) port.remove_prefix(1);
  if (!port.empty()) {
    auto number = parse_decimal<uint16_t>(port);
    if (!number || *number == 0) return bad("the port is not a number from 1 to 65535");
    out.port = *number;
  }
  out.host = host.empty() ? "localhost" : std::string(host);
  return {};
}

Result<void> read_db(std::string_view text, Address& out) {
  auto number = parse_decimal<uint32_t>(text);
  if (!number || *number > INT32_MAX) return bad("the database is not a number from 0 up");
  out.db = *number;
  return {};
}

Result<void> read_query(std::string_view query, Address& out) {
  while (!query.empty()) {
    size_t end = query.find('&');
    std::string_view one = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (one.empty()) continue;
    size_t equal = one.find('=');
    auto name = unescape(one.substr(0, equal), true);
    auto value = equal == std::string_view::npos ? std::string()
                                                 : unescape(one.substr(equal + 1), true);
    if (!name || !value)
      return bad("a '%' in a parameter must be followed by two hexadecimal digits");
    if (*name == "db")
      MDP_TRY_VOID(read_db(*value, out));
    else
      out.query.insert_or_assign(std::move(*name), std::move(*value));
  }
  return {};
}

// user:pa/ss@host would otherwise be read as the host "user", and its port shown.
bool hides_a_user(const Parts& parts) {
  return parts.authority.find('@') == std::string_view::npos &&
         (parts.path.find('@') != std::string_view::npos ||
          parts.query.find('@') != std::string_view::npos);
}

Result<Address> parse_tcp(const Parts& parts) {
  Address out;
  if (hides_a_user(parts))
    return bad("'/' and '?' in a user or password must be written as %2F and %3F");
  std::string_view authority = parts.authority;
  MDP_TRY_VOID(read_user(authority, out));
  MDP_TRY_VOID(read_host(authority, out));
  std::string_view path = parts.path;
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (!path.empty()) MDP_TRY_VOID(read_db(path, out));
  MDP_TRY_VOID(read_query(parts.query, out));
  return out;
}

Result<Address> parse_unix(const Parts& parts) {
  Address out;
  out.form = Address::Form::kUnix;
  std::string_view authority = parts.authority;
  MDP_TRY_VOID(read_user(authority, out));
  if (!authority.empty() || parts.path.empty())
    return bad("unix:// must be followed by the absolute path of a socket");
  auto path = unescape(parts.path);
  if (!path) return bad("a '%' in the path must be followed by two hexadecimal digits");
  if (path->size() >= sizeof sockaddr_un{}.sun_path || path->find('\0') != std::string::npos)
    return bad("the path of the socket is too long (107 bytes at most)");
  out.path = std::move(*path);
  MDP_TRY_VOID(read_query(parts.query, out));
  return out;
}

Result<std::string> read_file(const std::string& path) {
  constexpr size_t kMost = 64 << 10;  // far more than a password
  std::string text(kMost, '\0');
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : ::read(fd, text.data(), text.size());
  int reason = errno;
  if (fd >= 0) ::close(fd);
  if (got < 0) {
    char why[128];
    return Error{Fault::kConfig, EINVAL,
                 fmt::format("META_PASSWORD_FILE {} cannot be read: {}", quote(path),
                             ::strerror_r(reason, why, sizeof why))};
  }
  text.resize(static_cast<size_t>(got));
  return text;
}

std::string from_environment(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<Address> parse_address(std::string_view url) {
  MDP_TRY(Parts parts, split(url));
  std::string scheme(parts.scheme);
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (scheme == "redis") return parse_tcp(parts);
  if (scheme == "unix") return parse_unix(parts);
  if (scheme == "rediss") return unsupported("TLS (rediss://)");
  return bad("only redis:// and unix:// are known");
}

std::string Address::display() const {
  std::string who;
  for (char c : user) {
    bool plain = c > ' ' && c < 0x7f && std::string_view("%:/?#@").find(c) == std::string::npos;
    who += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  if (!who.empty()) who += "@";
  if (form == Form::kUnix) return fmt::format("unix://{}{}?db={}", who, path, db);
  bool is_v6 = host.find(':') != std::string::npos;
  return fmt::format("redis://{}{}{}{}:{}/{}", who, is_v6 ? "[" : "", host, is_v6 ? "]" : "",
                     port, db);
}

Result<std::string> find_password(const Address& address) {
  if (!address.password.empty()) return address.password;
  for (const char* name : {"REDIS_PASSWORD", "META_PASSWORD"}) {
    if (std::string value = from_environment(name); !value.empty()) return value;
  }
  std::string path = from_environment("META_PASSWORD_FILE");
  if (path.empty()) return std::string();

  MDP_TRY(std::string text, read_file(path));
  constexpr std::string_view kBlank = " \t\r\n\v\f";
  size_t first = text.find_first_not_of(kBlank);
  if (first == std::string::npos) return std::string();
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace fastmeta::redis
