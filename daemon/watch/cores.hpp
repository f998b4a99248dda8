// Runs unwedge-core, the program that looks into a VM's process from outside to keep a core of it. The daemon
// itself traces, signals and copies nothing. Used by the watchers; decides nothing, logs nothing. One thread.
#pragma once

#include "daemon/child/runner.hpp"
#include "daemon/evidence/process.hpp"
#include "policies/settings.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/json.hpp>

#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace unwedge::watch {

namespace asio = boost::asio;

class cores {
 public:
  struct request {
    std::string order;  ///< plan | flag-core | core | abort
    std::shared_ptr<const evidence::process> of;
    std::string vm;        ///< for the file's name
    std::string incident;  ///< whose folder takes the core; core and abort need one
    bool with_ram = false;
    policies::core_settings bounds;
  };
  using answer = std::expected<boost::json::object, std::string>;

  /// `state_dir` has the incidents' folders.
  cores(child::runner& children, std::filesystem::path state_dir);

  /// The program's answer. Error (a sentence): it could not be run or did not end in time, or what it says
  /// went wrong. Takes up to 10 s, a core up to five minutes. Cancelled, it kills the program, and the kernel
  /// lets the VM's process go on.
  asio::awaitable<answer> carry_out(request what);

 private:
  std::expected<child::command, std::string> command_for(const request& what) const;

  child::runner& children_;
  std::filesystem::path program_;
  std::filesystem::path state_dir_;
};

/// The answer to an order in a sentence, for people. Pure; whatever the answer holds, it throws nothing.
std::string in_words(std::string_view order, const boost::json::object& answer);

}  // namespace unwedge::watch
