#include "policies/symbol_name.hpp"

namespace unwedge::policies {

std::string_view plain_name(std::string_view symbol) {
  constexpr std::size_t most = 256;  // no function of QEMU's is that long
  symbol = symbol.substr(0, most);
  symbol = symbol.substr(0, symbol.find_first_of("@."));
  const auto begin = symbol.find_first_not_of('_');
  return begin == std::string_view::npos ? std::string_view{} : symbol.substr(begin);
}

}  // namespace unwedge::policies
