#include "policies/symbol_name.hpp"

#include <algorithm>

namespace unwedge::policies {
namespace {

std::string_view without_underscores(std::string_view symbol) {
  return symbol.substr(std::min(symbol.find_first_not_of('_'), symbol.size()));
}

}  // namespace

std::string_view plain_name(std::string_view symbol) {
  constexpr std::size_t most = 256;  // no function of QEMU's is that long
  symbol = symbol.substr(0, most);
  symbol = without_underscores(symbol.substr(0, symbol.find_first_of("@.")));
  constexpr std::string_view within_glibc = "GI_";
  if (symbol.starts_with(within_glibc)) symbol = without_underscores(symbol.substr(within_glibc.size()));
  return symbol;
}

}  // namespace unwedge::policies
