// Finding QEMUs by their processes, and the one behind a socket that somebody else opened for it.
#include "daemon/evidence/qemu_processes.hpp"
#include "daemon/evidence/unix_peer.hpp"
#include "tests/unit/evidence/child.hpp"

#include <gmock/gmock.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace unwedge::evidence {
namespace {

using namespace std::string_literals;

TEST(identity_in, reads_name_and_uuid_as_qemu_does) {
  const std::tuple<std::string, std::string, std::string> cases[] = {
      {"qemu-system-x86_64\0-name\0guest=web01,debug-threads=on\0-uuid\0b0a1\0"s, "web01", "b0a1"},
      {"qemu-system-x86_64\0-name\0web02,process=x\0"s, "web02", ""},
      {"kvm\0-uuid\0b0a1\0-name\0a,,b,,,debug-threads=on\0"s, "a,b,", "b0a1"},
      {"kvm\0-name\0guest=\0"s, "", ""},
      {"kvm\0-m\0-name\0"s, "", ""},
      {"kvm\0-name"s, "", ""},
      {""s, "", ""},
      {"kvm\0-name\0guest=\x1b[2J\0"s, "\\x1b[2J", ""}};
  for (const auto& [line, name, uuid] : cases) {
    const auto found = identity_in(parse_command_line(line));
    EXPECT_EQ(found.name, name) << line;
    EXPECT_EQ(found.uuid, uuid) << line;
  }
  EXPECT_LE(identity_in(parse_command_line("kvm\0-name\0"s + std::string(100'000, 'x'))).name.size(), 128u);
}

/// A program whose name is a QEMU's: a copy of sleep(1).
class fake_qemu_program {
 public:
  fake_qemu_program() {
    std::filesystem::create_directory(folder_);
    std::filesystem::copy_file("/bin/sleep", path());
  }
  ~fake_qemu_program() { std::filesystem::remove_all(folder_); }
  std::filesystem::path path() const { return folder_ / "qemu-system-x86_64"; }
  std::filesystem::path socket() const { return folder_ / "monitor.sock"; }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("unwedge-discovery-" + std::to_string(::getpid()));
};

const qemu_process* among(const std::vector<qemu_process>& all, pid_t pid) {
  const auto found = std::ranges::find_if(all, [&](const auto& q) { return q.held.pid() == pid; });
  return found == all.end() ? nullptr : &*found;
}

void wait_until_it_is_one(pid_t pid) {
  for (int i = 0; i < 2'000 && !hold(pid).is_qemu(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
}

TEST(find_qemu_processes, finds_them_by_their_program_and_leaves_out_the_known) {
  const fake_qemu_program program;
  child vm{[&] { ::execl(program.path().c_str(), "qemu", "60", nullptr); }};
  wait_until_it_is_one(vm.pid());
  const auto all = find_qemu_processes({});
  const auto* found = among(all, vm.pid());
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "pid " + std::to_string(vm.pid()));
  EXPECT_EQ(among(all, ::getpid()), nullptr) << "this is no QEMU";
  EXPECT_EQ(among(find_qemu_processes({vm.pid()}), vm.pid()), nullptr);
}

/// As libvirt does: it listens and passes the listening socket on, so the kernel names it as the peer.
TEST(owner_of_other_end, is_the_qemu_that_accepted_and_not_the_one_that_listened) {
  const fake_qemu_program program;
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::strncpy(address.sun_path, program.socket().c_str(), sizeof address.sun_path - 1);
  const file_descriptor listening{::socket(AF_UNIX, SOCK_STREAM, 0)};
  ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listening.get(), 1), 0);
  const file_descriptor ours{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  ASSERT_EQ(::connect(ours.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_FALSE(owner_of_other_end(ours.get())) << "nobody has accepted it yet";
  child vm{[&] {
    ::accept(listening.get(), nullptr, nullptr);  // stays open over execve
    ::execl(program.path().c_str(), "qemu", "60", nullptr);
  }};
  wait_until_it_is_one(vm.pid());
  const auto peer = process::peer_of(ours.get());
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->pid(), ::getpid()) << "what the kernel says";
  const auto owner = owner_of_other_end(ours.get());
  ASSERT_TRUE(owner) << owner.error();
  EXPECT_EQ(owner->pid(), vm.pid());
}

TEST(unix_peer_inode, is_that_of_the_other_end) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const file_descriptor one{pair[0]};
  file_descriptor other{pair[1]};
  struct stat status{};
  ASSERT_EQ(::fstat(other.get(), &status), 0);
  EXPECT_EQ(unix_peer_inode(one.get()), status.st_ino);
  other = {};
  EXPECT_FALSE(unix_peer_inode(one.get()));
  const file_descriptor alone{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  EXPECT_EQ(unix_peer_inode(alone.get()).error(), ENOTCONN);
}

}  // namespace
}  // namespace unwedge::evidence
