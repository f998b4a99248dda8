#include "daemon/watch/services.hpp"

#include "daemon/child/own_program.hpp"

namespace unwedge::watch {

std::filesystem::path services::rescue_program() const {
  return child::own_program("unwedge-rescue", settings->rescue.program);
}

}  // namespace unwedge::watch
