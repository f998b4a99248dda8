#include "daemon/inspect/memory_map.hpp"

#include "daemon/evidence/file_descriptor.hpp"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace unwedge::inspect {

namespace {

// Takes a number and the one character after it off the front of `text`.
template <typename Number>
bool take(std::string_view& text, Number& number, char after, int base = 16) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  if (!text.starts_with(after)) return false;
  text.remove_prefix(1);
  return true;
}

// Lines out of chunks; true: go on.
class line_reader {
 public:
  explicit line_reader(memory_map& into) : into_(into) {}

  bool add(std::string_view chunk) {
    bytes_ += chunk.size();
    rest_ += chunk;
    std::size_t from = 0;
    for (auto end = rest_.find('\n'); end != rest_.npos; end = rest_.find('\n', from)) {
      if (auto line = parse_mapping(std::string_view{rest_}.substr(from, end - from)); line)
        into_.mappings.push_back(std::move(*line));
      from = end + 1;
      if (into_.mappings.size() >= most_mappings) return cut();
    }
    rest_.erase(0, from);
    return bytes_ < most_map_bytes || cut();
  }

 private:
  bool cut() {
    into_.cut = true;
    return false;
  }

  memory_map& into_;
  std::string rest_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::optional<mapping> parse_mapping(std::string_view line) {
  constexpr std::size_t longest_path = 4096;
  mapping m;
  unsigned major = 0, minor = 0;
  if (!take(line, m.begin, '-') || !take(line, m.end, ' ') || m.begin >= m.end) return std::nullopt;
  if (line.size() < 5 || line[4] != ' ') return std::nullopt;
  m.writable = line[1] == 'w';
  m.executable = line[2] == 'x';
  m.shared = line[3] == 's';
  line.remove_prefix(5);
  if (!take(line, m.offset, ' ') || !take(line, major, ':') || !take(line, minor, ' ')) return std::nullopt;
  m.device = makedev(major, minor);
  // An anonymous mapping's line ends after the inode, with or without a blank.
  const auto digits = std::min(line.find(' '), line.size());
  const char* const inode = line.data();
  const auto [rest, error] = std::from_chars(inode, inode + digits, m.inode, 10);
  if (error != std::errc{} || rest != inode + digits) return std::nullopt;
  line.remove_prefix(digits);
  const auto path = std::min(line.find_first_not_of(' '), line.size());
  m.path = line.substr(path, longest_path);
  return m;
}

std::expected<memory_map, int> read_memory_map(int proc_dir) {
  const evidence::file_descriptor file{::openat(proc_dir, "maps", O_RDONLY | O_CLOEXEC)};
  if (!file) return std::unexpected(errno);
  memory_map map;
  line_reader lines{map};
  std::string chunk(65'536, '\0');
  for (;;) {
    const auto got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno);
    if (got == 0 || !lines.add({chunk.data(), static_cast<std::size_t>(got)})) return map;
  }
}

const mapping* memory_map::at(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(mappings, address, {}, &mapping::begin);
  if (after == mappings.begin()) return nullptr;
  const auto& found = *std::prev(after);
  return address < found.end ? &found : nullptr;
}

}  // namespace unwedge::inspect
