#include "daemon/watch/state_file.hpp"

#include "daemon/incident/files.hpp"

#include <fmt/format.h>

#include <fcntl.h>

#include <fstream>

namespace unwedge::watch {
namespace {

constexpr std::size_t max_bytes = 1u << 20;

}  // namespace

std::expected<boost::json::object, std::string> read_state_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return boost::json::object();  // none yet
  std::string text(max_bytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  boost::system::error_code ec;
  auto document = boost::json::parse(text, ec);
  auto* all = ec ? nullptr : document.if_object();
  if (all == nullptr) return std::unexpected(fmt::format("{} is no JSON object: remove it", file.string()));
  return std::move(*all);
}

std::expected<void, std::string> write_state_file(const std::filesystem::path& file,
                                                  const std::string& text) {
  const auto folder = file.parent_path();
  incidents::file_descriptor at{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (at.get() < 0) return std::unexpected(incidents::errno_text("open " + folder.string()));
  return incidents::replace_file_at(at.get(), file.filename().string(), text);
}

}  // namespace unwedge::watch
