// The watchers of a fleet, and how one is found: by name, by process, by socket. Owns them together with
// their own coroutines; starts and ends none. One thread.
#pragma once

#include "daemon/watch/vm_watcher.hpp"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace unwedge::watch {

/// Both are known and the same one, not only the same pid.
bool same_process(const evidence::process* a, const evidence::process* b);

class watcher_set {
 public:
  using member = std::shared_ptr<vm_watcher>;

  void insert(const member& w) { all_.insert(w); }
  void erase(const member& w) { all_.erase(w); }
  void clear() { all_.clear(); }
  std::size_t size() const { return all_.size(); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

  std::vector<std::shared_ptr<const vm_watcher>> by_name() const;
  /// By name, or by a UUID that names one. Null: there is none.
  member find(std::string_view name) const;
  /// The process ids of all that live.
  std::set<pid_t> pids() const;
  /// Of the sockets.
  std::vector<std::string> paths() const;
  /// `wanted`, with a number if another one than `of` is called so.
  std::string free_name(const std::string& wanted, const vm_watcher& of) const;

 private:
  std::set<member> all_;
};

}  // namespace unwedge::watch
