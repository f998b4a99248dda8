// What an honest unwedge-rescue says in a lease, for tests that then say something else.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>

namespace unwedge::rescuing::said {

inline constexpr int holder = 4242;
inline constexpr std::chrono::milliseconds window{1'000};

inline const std::string granted =
    R"({"event":"granted","holder":4242,"window_ms":1000,"walks_graph":true,"stopped_ns":100000,"operated_ns":70000})";

inline std::string final_with(std::string_view outcome) {
  return fmt::format(R"({{"holder":4242,"window_ms":1000,"walks_graph":true,"stopped_ns":100000,{},)"
                     R"("lasted_ms":12,"sentence":"so it is","end_stopped_ns":25000,)"
                     R"("preconditions":[{{"name":"process","ok":true,"sentence":"process 1"}}]}})",
                     outcome);
}

inline const std::string answer = final_with(R"("ok":true,"returned":true,"ended_by":"command")");
inline const std::string not_back = final_with(R"("ok":false,"returned":false,"ended_by":"time")");

inline const std::string refused =
    R"({"ok":false,"failed":"holder-polls","error":"holder-polls: it runs","preconditions":[)"
    R"({"name":"process","ok":true,"sentence":"process 1"},{"name":"holder-polls","ok":false,"sentence":"it runs"}]})";

inline const std::string plan =
    R"({"ok":true,"plan":true,"would":true,"preconditions":[{"name":"process","ok":true,"sentence":"process 1"}],)"
    R"("walks_graph":false})";

}  // namespace unwedge::rescuing::said
