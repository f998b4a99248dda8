// Values as the contracts write them. Pure but for the clock that turns instants into dates.
#pragma once

#include "policies/evidence.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <string>

namespace unwedge::watch {

/// An instant of the steady clock as RFC 3339.
std::string date_of(policies::instant);
/// Whole milliseconds.
std::int64_t ms(policies::duration);
/// What is not known is empty here, and null there.
boost::json::value or_null(const std::string&);

}  // namespace unwedge::watch
