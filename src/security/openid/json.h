#pragma once

// Private to this folder: JSON of others, bounded.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace weir::openid {

namespace json = boost::json;

// None: no JSON, deeper than kJsonDepthMax, or no object.
std::optional<json::object> parse_object(std::string_view text);
// Empty: absent, or no text.
std::string text_of(const json::object& object, std::string_view name);

}  // namespace weir::openid
