#include "daemon/evidence/tcp_progress.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace unwedge::evidence {

bool read_tcp_progress(int fd, policies::socket_facts& facts) {
  constexpr int established = 1;  // TCP_ESTABLISHED of the kernel's net/tcp_states.h
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return false;
  facts.peer_tcp_established = info.tcpi_state == established;
  facts.unacked = info.tcpi_unacked;
  facts.bytes_acked = info.tcpi_bytes_acked;
  facts.bytes_received = info.tcpi_bytes_received;
  facts.last_received = std::chrono::milliseconds{info.tcpi_last_data_recv};
  facts.last_sent = std::chrono::milliseconds{info.tcpi_last_data_sent};
  return true;
}

}  // namespace unwedge::evidence
