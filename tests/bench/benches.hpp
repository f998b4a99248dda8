// The benchmarks, each giving its figures.
#pragma once

#include "tests/bench/report.hpp"

#include <filesystem>

namespace unwedge::bench {

/// CPU per JOB_STATUS_CHANGE event from the socket to the model, against read + boost::json::parse.
std::vector<figure> event_figures();

/// CPU of evaluating all shipped policies over a thousand VMs, for a second's worth of looks.
std::vector<figure> policy_figures();

/// The daemon with a thousand idle VMs: memory, and CPU of probing against a bare epoll loop.
std::vector<figure> fleet_figures(const std::filesystem::path& unwedged);

/// How long the threads of a QEMU stand still while unwedge-inspect takes all stacks, against eu-stack and
/// gdb.
std::vector<figure> stacks_figures(const std::filesystem::path& unwedge_inspect);

/// What one sample of evidence of a QEMU with twenty threads takes.
std::vector<figure> sample_figures();

/// CPU seconds a second of an epoll loop that exchanges the daemon's bytes with the peers in `folder`, for
/// `seconds`.
double probe_floor(const std::filesystem::path& folder, int count, int seconds);

}  // namespace unwedge::bench
