// What a known bug's signature found, as the JSON of incidents, `show` and events. Pure.
#pragma once

#include "policies/signature.hpp"

#include <boost/json.hpp>

#include <span>

namespace unwedge::watch {

boost::json::object to_json(const policies::signature_match&);
boost::json::array to_json(std::span<const policies::signature_match>);

}  // namespace unwedge::watch
